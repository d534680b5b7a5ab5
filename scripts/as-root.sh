# as_root COMMAND…: runs it with root's rights, once whoever runs this has said so: at the terminal, or beforehand by
# CI=true or HOLYSTONE_INSTALL=yes; else it fails. To be sourced.
may_install() { # may_install WHAT: asks once, and remembers the answer for this run.
    if [ -z "${HOLYSTONE_INSTALL:-}" ] && [ -n "${CI:-}" ]; then HOLYSTONE_INSTALL=yes; fi
    if [ -z "${HOLYSTONE_INSTALL:-}" ] && [ -t 0 ]; then
        printf 'Install %s with apt-get, as root? [y/N] ' "$1" >&2
        read -r answer
        case $answer in [yY]*) HOLYSTONE_INSTALL=yes ;; *) HOLYSTONE_INSTALL=no ;; esac
    fi
    [ "${HOLYSTONE_INSTALL:-no}" = yes ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        if [ -t 0 ]; then sudo "$@"; else sudo -n "$@" 2>/dev/null; fi
    else
        return 1
    fi
}
