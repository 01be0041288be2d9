"""Simulated exchanges, their feeds and their sessions: what the engine trades on.

`settings.load_venues` reads config/venues.yaml, `opening.open_venues` makes a `contract.Venue` of each entry:

| kind | what stands behind it |
|---|---|
| paper | prices alone; the desk's rulebook matches, as in a replay |
| book | `exchange.SimulatedExchange` in the engine's process |
| websocket | the same exchange in its own process, `python -m live.venues.server` |

What a maintainer must know:

- **Time is injected** (`clock`), integer nanoseconds. Exchange, book and market read no clock and do no I/O; the same
  seed and the same calls give the same events in any process. Randomness comes from generators of their own, seeded by
  text or numbers, never by `hash`.
- **Whole numbers inside.** `grid` turns prices and quantities into ticks and lots at the door, and back into the float
  of the written decimal on the way out. A limit off the grid goes to the trader's safe side.
- **Faults change what goes in and out** (`gateway`, `faults`), never what an exchange knows: `account` and `reports`
  tell the truth, and a report that was lost on its way shows by its missing number.
- **Numbers without gaps**, per session: report_id from 1, execution_id from 0. report_id 0 is a refusal by this side,
  and means that the venue never saw the order.
- **Order ids rise and are unique for ever**; one that comes again changes nothing, also after a restart.
- **Written before told** (`house`, `store`): the exchange process commits each batch, then hands it out. A store that
  cannot be written stops it.
- **A lost connection settles itself** (`websocket`, `link`, `received`): missed reports are delivered once, and orders
  that were under way either have reports or are rejected as never arrived.
- **Nobody slow holds anybody up** (`connection`): queues are bounded, and a client that does not read is dropped.

| file | what |
|---|---|
| `contract`, `venue_settings`, `settings`, `clock` | the seam, what is set, time |
| `market`, `feeds`, `recorded`, `paper` | fair prices, sources of prices, the venue that has prices alone |
| `grid`, `book`, `book_side`, `background`, `listing` | one instrument: steps, book, others, checks, quotes |
| `account`, `entry`, `reporting`, `gateway`, `faults`, `exchange` | one exchange |
| `embedded` | it in this process |
| `protocol`, `store`, `connection`, `house`, `server` | it in its own |
| `received`, `link`, `websocket` | its client |
"""
