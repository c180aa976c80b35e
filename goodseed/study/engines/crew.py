"""The driver's side of workers, whatever carries the messages: who has which shards, and what was heard."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

from goodseed.errors import StudyError
from goodseed.study.cells import ShardResult
from goodseed.study.engines.interface import Place, Say
from goodseed.study.engines.worker import BACK, FORGET, GONE, LOST, MORE, RESULT, SAID, as_error
from goodseed.study.plan import Shard

log = logging.getLogger(__name__)


class Hand(ABC):
    """A worker as its driver sees it.

    Args:
        place: where it works, if it is told.
        room: how many shards it may have: 1, 2 once it has asked for more, 0 while its place is lost or it starts.
    """

    def __init__(self, place: Place | None, room: int = 1) -> None:
        self.place = place
        self.shards: list[Shard] = []
        """Sent to it and not answered yet, in this order."""
        self.room = room

    @property
    def name(self) -> str:
        return self.place.name if self.place else "a worker"

    @abstractmethod
    def send(self, message: Shard | None) -> None:
        """Send it a shard, or FORGET; when it has died this does nothing, and its death is heard next."""


class Crew:
    """The workers of one study, and what each of them has to do."""

    def __init__(self, shards: Sequence[Shard], say: Say) -> None:
        self.waiting = deque(shards)
        self.hands: list[Hand] = []
        self._say = say

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting) or any(hand.shards for hand in self.hands)

    def hand_out(self) -> None:
        """Send shards to all that have room; first to those that have nothing to do."""
        for depth in (0, 1):
            for hand in self.hands:
                if self.waiting and len(hand.shards) == depth < hand.room:
                    hand.shards.append(self.waiting.popleft())
                    hand.send(hand.shards[-1])

    def take(self, hand: Hand, kind: str, content: Any) -> ShardResult | None:
        """Take one message of a worker, and return the result if it is one; a worker that has gone leaves `hands`.

        Raises:
            StudyError: when the message is an error; any other GoodSeedError that it names.
        """
        if kind == RESULT:
            assert isinstance(content, ShardResult)
            hand.shards.remove(content.shard)
            hand.room = 1
            return content
        if kind == MORE:
            hand.room = 2
        elif kind == SAID:
            self._say(content)
        elif kind == BACK:
            hand.room = 1
            self._say(f"{hand.name}: is back")
        elif kind in (LOST, GONE):
            self.take_back(hand)
            hand.send(FORGET)
            self._say(content)
            if kind == GONE:
                self.hands.remove(hand)
        else:
            text, trace = content
            log.debug("a worker failed:\n%s", trace)
            raise as_error(kind, text)
        return None

    def take_back(self, hand: Hand) -> None:
        """Let others do what a worker was sent."""
        self.waiting.extendleft(reversed(hand.shards))
        hand.shards, hand.room = [], 0

    def check_left(self) -> None:
        if not self.hands:
            raise StudyError("no place is left to work at; mend one of them and run the same study again: it continues")
