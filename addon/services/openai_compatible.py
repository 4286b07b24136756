"""
Smaller hosts that speak OpenAI's dialects as they are: one class a host, nothing else to tell.

All report usage in the last chunks of a stream; Fireworks, Hugging Face and SambaNova may leave it out, and then the
text is counted. Reasoning, where a model shows it, is shown whole.
"""

from __future__ import annotations

from addon.services._anthropic_messages import Messages
from addon.services._huggingface_task import PATHS, Task
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_like import CHAT, OpenaiLike, openai_routes
from addon.services._openai_media import Images, Speech, Transcription
from addon.services._usage import read_perplexity


class TogetherApi(OpenaiLike):
    name = "together-api"
    title = "Together AI"
    provider = "together_ai"
    hosts = ("api.together.xyz", "api.together.ai")
    grade = "captured"
    routes = (
        *openai_routes("/v1"),
        (r"/v1/images/generations", Images()),
        (r"/v1/audio/speech", Speech()),
        (r"/v1/audio/transcriptions", Transcription()),
    )
    features = (*OpenaiLike.features, "image_output", "audio_output")


_PROVIDERS = (
    r"(?:/(?:auto|baseten|cerebras|clarifai|cohere|featherless-ai|fireworks-ai|groq|hf-inference|hyperbolic|nebius|novita"
    r"|nscale|openai|ovhcloud|publicai|replicate|sambanova|scaleway|together|wavespeed|zai-org))?"
)
_BASES = r"(?:/v1|/openai/v1|/inference/v1|/v3/openai|/compatibility/v1|/api/paas/v4|/v2/ext/openai/v1)"


class HuggingfaceRouter(OpenaiLike):
    name = "huggingface-router"
    title = "Hugging Face Inference Providers"
    provider = "huggingface"
    hosts = ("router.huggingface.co", "api-inference.huggingface.co")
    routes = (
        *openai_routes(_PROVIDERS + _BASES),
        (_PROVIDERS + r"/v1/images/generations", Images()),
        (r"/hf-inference/models/[^/]+/[^/]+/v1/chat/completions|/models/[^/]+/[^/]+/v1/chat/completions", CHAT),
        (PATHS, Task()),
    )
    transports = ("sse", "json", "bytes")
    features = (*OpenaiLike.features, "image_output", "audio_output")


class CerebrasApi(OpenaiLike):
    name = "cerebras-api"
    title = "Cerebras"
    provider = "cerebras"
    hosts = ("api.cerebras.ai",)
    routes = openai_routes("/v1")


class ZaiApi(OpenaiLike):
    name = "zai-api"
    title = "Z.ai API"
    provider = "z_ai"
    hosts = ("api.z.ai", "open.bigmodel.cn")
    routes = (*openai_routes(r"/api/(?:coding/)?paas/v4"), (r"/api/anthropic/v1/messages", Messages()))


class FireworksApi(OpenaiLike):
    name = "fireworks-api"
    title = "Fireworks AI"
    provider = "fireworks_ai"
    hosts = ("api.fireworks.ai",)
    routes = (*openai_routes("/inference/v1"), (r"/inference/v1/messages", Messages()))


class MoonshotApi(OpenaiLike):
    name = "moonshot-api"
    title = "Moonshot (Kimi) API"
    provider = "moonshot_ai"
    hosts = ("api.moonshot.ai", "api.moonshot.cn")
    routes = (*openai_routes("/v1"), (r"/anthropic/v1/messages", Messages()))


class DashscopeApi(OpenaiLike):
    name = "dashscope-api"
    title = "Alibaba Model Studio (Qwen) API"
    provider = "alibaba_cloud"
    hosts = ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com")
    routes = openai_routes("/compatible-mode/v1")


class PerplexityApi(OpenaiLike):
    name = "perplexity-api"
    title = "Perplexity API"
    provider = "perplexity"
    hosts = ("api.perplexity.ai",)
    routes = ((r"(?:/v1)?/chat/completions", ChatCompletions(read_perplexity)), *openai_routes(r"(?:/v1)?"))
    features = ("reasoning", "web_search", "tool")


class MinimaxApi(OpenaiLike):
    name = "minimax-api"
    title = "MiniMax API"
    provider = "minimax"
    hosts = ("api.minimax.io", "api.minimaxi.com")
    routes = (*openai_routes("/v1"), (r"/anthropic/v1/messages", Messages()))


class NvidiaApi(OpenaiLike):
    name = "nvidia-api"
    title = "NVIDIA NIM API"
    provider = "nvidia"
    hosts = ("integrate.api.nvidia.com",)
    routes = openai_routes("/v1")


class SambanovaApi(OpenaiLike):
    name = "sambanova-api"
    title = "SambaNova"
    provider = "sambanova"
    hosts = ("api.sambanova.ai",)
    routes = openai_routes("/v1")


class SnowflakeCortex(OpenaiLike):
    name = "snowflake-api"
    title = "Snowflake Cortex API"
    provider = "snowflake"
    hosts = ("*.snowflakecomputing.com",)
    routes = (*openai_routes("/api/v2/cortex/v1"), (r"/api/v2/cortex/v1/messages", Messages()))


class GithubModels(OpenaiLike):
    name = "github-models"
    title = "GitHub Models"
    provider = "github_models"
    hosts = ("models.github.ai",)
    routes = openai_routes(r"(?:/orgs/[^/]+)?/inference")
