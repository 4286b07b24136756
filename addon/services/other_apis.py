"""
Smaller hosts and gateways that speak OpenAI's dialects, in one service: the record's provider tells them apart.

Most report usage in the last chunk of a stream; where one does not, the text is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Turn
from addon.services._anthropic_messages import Messages
from addon.services._openai_like import CHAT, OpenaiLike, openai_routes

PROVIDERS = {
    "ai-gateway.vercel.sh": "vercel",
    "api.ai21.com": "ai21",
    "api.deepinfra.com": "deepinfra",
    "api.hyperbolic.xyz": "hyperbolic",
    "api.inceptionlabs.ai": "inception",
    "api.jina.ai": "jina",
    "api.lambda.ai": "lambda",
    "api.novita.ai": "novita",
    "api.scaleway.ai": "scaleway",
    "api.studio.nebius.com": "nebius",
    "api.tokenfactory.nebius.com": "nebius",
    "api.upstage.ai": "upstage",
    "api.voyageai.com": "voyage",
    "api.writer.com": "writer",
    "oai.endpoints.kepler.ai.cloud.ovh.net": "ovhcloud",
    "openai.inference.de-txl.ionos.com": "ionos",
}


class OtherApis(OpenaiLike):
    name = "other-apis"
    title = "Smaller APIs in OpenAI's dialect"
    hosts = tuple(PROVIDERS)
    routes = (
        *openai_routes(r"(?:/v1|/v1/openai|/v3/openai|/openai/v1|/studio/v1|/v1/solar)"),
        (r"/v1/chat", CHAT),
        (r"/v1/messages|/anthropic/v1/messages", Messages()),
    )

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        for turn in super().turns(exchange, body, events):
            turn.provider = PROVIDERS.get(exchange.host)
            yield turn
