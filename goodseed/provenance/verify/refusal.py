"""What ComfyUI says when it refuses a graph or fails in it, as one line that says what to mend."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST = 200


def explain_refusal(body: bytes, graph: Mapping[str, Any]) -> str:
    """Return why the server did not queue a graph, from its answer to /prompt."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return "refused the graph and did not say why; look into its log"
    reasons = list(dict.fromkeys(_node_reasons(answer.get("node_errors"), graph)))
    if not reasons:
        reasons = [_reason(answer.get("error"))]
    more = f" (and {len(reasons) - 1} more like it)" if len(reasons) > 1 else ""
    return f"refused the graph: {reasons[0]}{more}"


def explain_failure(entry: Mapping[str, Any]) -> str:
    """Return why a run that has ended did not succeed, from the server's history of it; empty when it did."""
    status = entry.get("status")
    if not isinstance(status, dict) or status.get("status_str") == "success":
        return ""
    for kind, data in _messages(status):
        if kind == "execution_interrupted":
            return "the run was cancelled on the server; start it again"
        if kind == "execution_error":
            where = f"{_short(data.get('node_type'))} (node {_short(data.get('node_id'))})"
            return f"{where} failed: {_short(data.get('exception_message'))}"
    return "the run failed and the server did not say why; look into its log"


def cached_nodes(entry: Mapping[str, Any]) -> set[str]:
    """Return the nodes that did not run because the server still had their outputs."""
    status = entry.get("status")
    found: set[str] = set()
    for kind, data in _messages(status if isinstance(status, dict) else {}):
        nodes = data.get("nodes")
        if kind == "execution_cached" and isinstance(nodes, list):
            found |= {str(node) for node in nodes}
    return found


def _messages(status: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    messages = status.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, list) and len(message) == 2 and isinstance(message[1], dict):
            yield str(message[0]), message[1]


def _node_reasons(errors: Any, graph: Mapping[str, Any]) -> Iterator[str]:
    for key, found in errors.items() if isinstance(errors, dict) else ():
        listed = found.get("errors") if isinstance(found, dict) else None
        node = graph.get(key, {"class_type": "", "inputs": {}})
        for error in listed if isinstance(listed, list) else ():
            if isinstance(error, dict):
                yield f"{_node_reason(error, node['inputs'])} ({_short(node['class_type'])}, node {_short(key)})"


def _node_reason(error: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    extra = error.get("extra_info")
    extra = extra if isinstance(extra, dict) else {}
    name = _short(extra.get("input_name"))
    value = extra.get("received_value", inputs.get(name))
    if error.get("type") == "value_not_in_list":
        return f"it has no {_short(value)!a} for {name}; put that file or pack into its folders and restart it"
    if error.get("type") == "custom_validation_failed" and "Invalid image file" in str(error.get("details")):
        return (
            f"it has no input picture {_short(value)!a} for {name}; "
            "put it into its input folder, or name its folder with --inputs"
        )
    return _reason(error)


def _reason(error: Any) -> str:
    if not isinstance(error, dict):
        return _short(error) or "it did not say why; look into its log"
    details = _short(error.get("details"))
    return f"{_short(error.get('message'))}{f': {details}' if details else ''}"


def _short(value: Any) -> str:
    """Return text from a server on one line, of a length that people read."""
    text = " ".join(str("" if value is None else value).split())
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
