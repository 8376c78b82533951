"""What the read model delivers to a screen: one record for each kind of news, always the whole of it."""

from backend.readmodel.lists import Window
from backend.readmodel.logs.view import LogView
from backend.readmodel.pages import EventsPage, Matches, QueueView, Words
from backend.readmodel.records import DetailView
from backend.readmodel.snapshot import Snapshot
from backend.readmodel.trees import EvidenceView

News = Snapshot | Window | Words | DetailView | LogView | QueueView | EventsPage | EvidenceView | Matches
