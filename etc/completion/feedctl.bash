# Completion of feedctl(1) for bash.

_feedctl_names() {
	feedctl ${socket:+-s "$socket"} feeds --json 2>/dev/null | grep -o '{"name":"[^"]*"' | cut -d'"' -f4
}

_feedctl_cursors() {
	feedctl ${socket:+-s "$socket"} status --json 2>/dev/null | tr '{' '\n' | grep -o "^\"name\":\"[^\"]*\".*$1" |
		cut -d'"' -f4
}

_feedctl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb= socket= words= i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket) socket=${COMP_WORDS[++i]} ;;
		-*) ;;
		*) verb=${COMP_WORDS[i]}; break ;;
		esac
	done
	COMPREPLY=()
	case $previous in
	-s | --socket | --polls)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return ;;
	--feed)
		mapfile -t COMPREPLY < <(compgen -W "$(_feedctl_names)" -- "$current")
		return ;;
	--policy)
		mapfile -t COMPREPLY < <(compgen -W 'adaptive fixed' -- "$current")
		return ;;
	--consumer | --after | --where | --limit | --tag | --search | --since | --budget)
		return ;;
	esac
	case $verb in
	'') words='status feeds show poll reload resume accept-move release why follow ack items failed retry test match
		backup export import discover parse simulate --socket --help --version' ;;
	status | feeds | failed) words='--json --help' ;;
	show | why) words="--json --help $(_feedctl_names)" ;;
	poll) words="--force --help $(_feedctl_names)" ;;
	resume | accept-move | release) words="--help $(_feedctl_names)" ;;
	follow) words='--consumer --after --feed --where --limit --no-wait --no-ack --help' ;;
	items) words='--feed --tag --search --limit --json --help' ;;
	test) words="--help $(_feedctl_cursors kind)" ;;
	match) words="--since --json --help $(_feedctl_cursors kind)" ;;
	ack) words="--help $(_feedctl_cursors acknowledged)" ;;
	simulate) words='--budget --policy --polls --help' ;;
	backup | import | discover | parse)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _feedctl feedctl
