"""What the read model delivers to a screen: one record for each kind of news, always the whole of it."""

from backend.readmodel.feed import DetailView
from backend.readmodel.logs import LogView
from backend.readmodel.overview import Snapshot
from backend.readmodel.window import Window

News = Snapshot | Window | DetailView | LogView
