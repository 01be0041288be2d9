"""Style and script of the report page; both stand inside the page, which fetches nothing."""

__all__ = ["MARKS", "PICTURE", "SCRIPT", "STYLE"]

MARKS = """.grid { stroke: var(--line); stroke-width: 0.6; } .base { stroke: var(--soft); stroke-dasharray: 4 4; }
.tick { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; } .area { opacity: 0.11; stroke: none; }
.equity { stroke: var(--blue); } .area.equity { fill: var(--blue); }
.price { stroke: var(--ink); stroke-width: 1.2; }
.drawdown { stroke: var(--red); } .area.drawdown { fill: var(--red); opacity: 0.22; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); }
.s4 { stroke: var(--s4); } .s5 { stroke: var(--s5); } .s6 { stroke: var(--s6); }
.chaos { fill: var(--amber); opacity: 0.22; } .chaos:hover { opacity: 0.4; }
.chaos-label { fill: var(--amber); font-size: 11.5px; font-weight: 600; }
.trip line { stroke: var(--red); stroke-width: 1.2; stroke-dasharray: 3 3; } .trip path { fill: var(--red); }
.buy { fill: var(--green); } .sell { fill: var(--red); } .buy, .sell { opacity: 0.85; }
"""
"""What a chart is drawn with; its colours are variables."""

PICTURE = f"""
.wb-picture {{ --ink: #7d8896; --soft: #7d8896; --line: #8892a044; --blue: #3b8ed0; --red: #e05252;
  --green: #2e9e5b; --amber: #c98a1b; --s0: #3b8ed0; --s1: #e07b39; --s2: #1fa37c; --s3: #cc79a7; --s4: #b8860b;
  --s5: #56b4e9; --s6: #8a7be0; font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
{MARKS}.cross {{ visibility: hidden; }} }}
"""
"""Style of a picture, which stands by itself: no other element is touched, and it can be read on white and on black."""

STYLE = (
    """
:root { color-scheme: light dark; --paper: #ffffff; --panel: #f6f7f9; --ink: #1c2430; --soft: #667182;
  --line: #d9dee6; --blue: #1769aa; --red: #c62f37; --green: #17803d; --amber: #b26a00;
  --s0: #0072b2; --s1: #d55e00; --s2: #009e73; --s3: #cc79a7; --s4: #b8860b; --s5: #56b4e9; --s6: #6b5bd2; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --panel: #1a2029; --ink: #e4e8ee; --soft: #93a0b2;
  --line: #2d3643; --blue: #5eb0ef; --red: #ff7b7b; --green: #58c98b; --amber: #f0b055;
  --s0: #56a9e8; --s1: #ff9152; --s2: #35c9a0; --s3: #e6a3c6; --s4: #e0b84c; --s5: #8fd0f5; --s6: #a79bf2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1140px; padding: 28px 30px 60px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 22px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 15px; margin: 30px 0 8px; }
.about, .note { color: var(--soft); margin: 4px 0; overflow-wrap: anywhere; }
.note { font-size: 12.5px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 10px; margin: 20px 0 8px; }
.tile { background: var(--panel); border-radius: 8px; padding: 10px 12px; }
.tile .name { color: var(--soft); font-size: 12px; }
.tile .value { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile .more { color: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.good { color: var(--green); } .bad { color: var(--red); }
.frame { position: relative; }
svg.chart { width: 100%; height: auto; display: block; }
"""
    + MARKS
    + """.cross { stroke: var(--ink); stroke-width: 0.8; visibility: hidden; pointer-events: none; }
#tip { position: fixed; visibility: hidden; pointer-events: none; background: var(--ink); color: var(--paper);
  border-radius: 6px; padding: 6px 10px; font-size: 12.5px; font-variant-numeric: tabular-nums; white-space: pre; }
.legend { color: var(--soft); font-size: 12.5px; margin: 2px 0 4px; } .legend span { margin-right: 16px; }
.legend i { display: inline-block; width: 14px; height: 3px; margin-right: 6px; vertical-align: middle; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 0 34px;
  align-items: start; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 13px; }
caption { text-align: left; font-weight: 600; padding: 14px 0 4px; color: var(--soft); }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; white-space: nowrap; } td.number, th.number { text-align: right; }
td.number + td.text, th.number + th.text { padding-left: 14px; }
td.text { overflow-wrap: anywhere; } .bar { height: 9px; background: var(--red); opacity: 0.65; border-radius: 2px; }
footer { margin-top: 36px; color: var(--soft); font-size: 12px; overflow-wrap: anywhere; }
@media print { body { max-width: none; } .frame, table { break-inside: avoid; } }
"""
)

SCRIPT = """
const points = JSON.parse(document.getElementById("points").textContent);
const tip = document.getElementById("tip");
const charts = [...document.querySelectorAll("svg.chart")];
const money = value => value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const hide = () => { tip.style.visibility = "hidden";
  charts.forEach(c => { c.querySelector(".cross").style.visibility = "hidden"; }); };
function nearest(time) {
  let low = 0, high = points.time.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points.time[middle] < time) { low = middle + 1; } else { high = middle; }
  }
  return low > 0 && time - points.time[low - 1] < points.time[low] - time ? low - 1 : low;
}
function show(event, chart) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
  const left = +chart.dataset.left, right = +chart.dataset.right;
  if (at.x < left || at.x > right || points.time.length < 2) { hide(); return; }
  const first = points.time[0], last = points.time[points.time.length - 1];
  const i = nearest(first + (at.x - left) / (right - left) * (last - first));
  const x = left + (points.time[i] - first) / (last - first) * (right - left);
  charts.forEach(c => { const cross = c.querySelector(".cross");
    cross.setAttribute("x1", x); cross.setAttribute("x2", x); cross.style.visibility = "visible"; });
  const rows = [new Date(points.time[i]).toISOString().slice(0, 16).replace("T", " ") + " UTC",
    "equity    " + money(points.equity[i]), "drawdown  " + (100 * points.drawdown[i]).toFixed(2) + " %"];
  const titled = event.target.closest("[data-title]");
  if (titled) { rows.push(titled.dataset.title); }
  tip.textContent = rows.join("\\n");
  tip.style.visibility = "visible";
  const side = event.clientX > window.innerWidth / 2 ? -tip.offsetWidth - 16 : 16;
  tip.style.left = event.clientX + side + "px";
  tip.style.top = event.clientY + 12 + "px";
}
charts.forEach(chart => {
  // With this script the tip shows what a resting pointer would show without it; both together would be one too many.
  chart.querySelectorAll("title").forEach(title => {
    title.parentNode.dataset.title = title.textContent;
    title.remove();
  });
  chart.addEventListener("mousemove", event => show(event, chart));
  chart.addEventListener("mouseleave", hide);
});
"""
