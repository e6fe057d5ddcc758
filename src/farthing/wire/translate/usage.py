"""What a provider counted, in the words of the other format, so that the client's SDK shows the right figures.

The counts are read by the same code as the meter's. Chat's prompt tokens include what a cache served or took; Messages
counts them beside the input.
"""

from farthing.model.usage import Reading, Usage

_NONE = Usage()


def for_chat(reading: Reading) -> bytes:
    """The JSON of a chat `usage`; b"" if the provider counted nothing, since chat may leave it out."""
    usage = reading.usage
    if usage is None:
        return b""
    total_in, total_out = usage.total_in, usage.total_out
    return (
        b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
        b'"prompt_tokens_details":{"cached_tokens":%d,"cache_write_tokens":%d},'
        b'"completion_tokens_details":{"reasoning_tokens":%d}}'
        % (total_in, total_out, total_in + total_out, usage.cached_in, usage.written, usage.reasoning)
    )


def for_messages(reading: Reading) -> bytes:
    """The JSON of a Messages `usage`, whole or in a `message_delta`; zeros if the provider counted nothing, since
    Messages demands it."""
    usage = reading.usage or _NONE
    cached, written = usage.cached_in, usage.written
    details = b',"output_tokens_details":{"thinking_tokens":%d}' % usage.reasoning if usage.reasoning else b""
    tier = b',"service_tier":"priority"' if reading.tier == "priority" else b""
    return (
        b'{"input_tokens":%d,"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,"output_tokens":%d%b%b}'
        % (usage.total_in - cached - written, written, cached, usage.total_out, details, tier)
    )
