# What a test may not skip for want of a program. In CI that is everything; on a laptop, what you name. To be sourced.
if [ -n "${CI:-}" ]; then
    HOLYSTONE_REQUIRE=${HOLYSTONE_REQUIRE:-docker-registry,skopeo,git}
fi
export HOLYSTONE_REQUIRE="${HOLYSTONE_REQUIRE:-}"
