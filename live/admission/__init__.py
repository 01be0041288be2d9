"""The gate: what may start on this engine, and under which certificate.

Every process of a strategy goes through `Gate.admit` at the moment of its start, whoever asked for it; what was looked
at is what runs.
"""

from live.admission.gate import Gate, Ticket
from live.admission.latest import LatestTime
from live.admission.project import ProjectFiles
from live.admission.simulated import SIMULATED, check_simulated
from live.admission.store import CertificateStore

__all__ = ["SIMULATED", "CertificateStore", "Gate", "LatestTime", "ProjectFiles", "Ticket", "check_simulated"]
