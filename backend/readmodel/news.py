"""What the read model delivers to a screen: one record for each kind of news, always the whole of it."""

from backend.readmodel.events import EventsPage
from backend.readmodel.evidence import EvidenceView
from backend.readmodel.feed import DetailView
from backend.readmodel.lists import Window
from backend.readmodel.logs import LogView
from backend.readmodel.overview import Snapshot
from backend.readmodel.queue import QueueView
from backend.readmodel.words import Words

News = Snapshot | Window | Words | DetailView | LogView | QueueView | EventsPage | EvidenceView
