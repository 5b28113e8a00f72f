"""Options of big values and of copies; those of every day are in settings.py."""

from __future__ import annotations

from dataclasses import dataclass

from mcdaemon.option_values import integer
from mcdaemon.options import option


@dataclass(frozen=True, kw_only=True)
class ValueOptions:
    """Sizes in bytes."""

    big_value_split_threshold: int = option(
        0,
        "--big-value-split-threshold",
        metavar="BYTES",
        parse=integer(0),
        help="longer values are stored in chunks of this size (0: none are)",
    )
    big_value_batch_size: int = option(
        10,
        "--big-value-batch-size",
        metavar="N",
        parse=integer(0),
        help="chunks of one value under way at once (0: all, at most 1000)",
    )
    big_value_hide_reply_flag: bool = option(
        False, "--big-value-hide-reply-flag", help="clear the flag of big values in replies"
    )
    target_max_shadow_requests: int = option(
        1000,
        "--target-max-shadow-requests",
        metavar="N",
        parse=integer(0),
        help="copies of one shadow under way; more are left out",
    )
    max_shadow_token_map_size: int = option(
        1024,
        "--max-shadow-token-map-size",
        metavar="N",
        parse=integer(0),
        help="leases of one shadow that are remembered",
    )
    runtime_vars_file: str = option(
        "",
        "--runtime-vars-file",
        metavar="PATH",
        help="JSON of variables that routes look up while the proxy runs; followed",
    )
