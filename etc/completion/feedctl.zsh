#compdef feedctl
# Completion of feedctl(1) for zsh.

_feedctl_feeds() {
	local -a names
	names=(${(f)"$(feedctl feeds --json 2>/dev/null | grep -o '{"name":"[^"]*"' | cut -d'"' -f4)"})
	compadd -a names
}

_feedctl_notifiers() {
	local -a names
	names=(${(f)"$(feedctl status --json 2>/dev/null | tr '{' '\n' | grep -o '^"name":"[^"]*".*kind' | cut -d'"' -f4)"})
	compadd -a names
}

_feedctl() {
	local context state line
	local -a verbs
	verbs=(
		'status:what the daemon does' 'feeds:all feeds' 'show:all that is known of a feed' 'poll:poll feeds now'
		'reload:read the configuration anew' 'resume:poll a feed again that was gone'
		'accept-move:take the new address of a feed' 'release:tell the items that were held'
		'why:why a feed is polled when it is, why an event came about' 'follow:the events of the log, then live'
		'ack:all up to this event was dealt with' 'items:stored items' 'failed:deliveries that were set aside'
		'retry:send again what was set aside' 'test:send a sample event' 'match:what a notifier would have sent'
		'backup:a sound copy of the database' 'export:the subscriptions as OPML' 'import:feed blocks out of OPML'
		'discover:the feeds that a page announces' 'parse:any feed as a JSON Feed' 'simulate:run the schedule on a trace'
	)
	_arguments -C '(-s --socket)'{-s,--socket}'[the socket of the daemon]:socket:_files' \
		'(- *)'{-h,--help}'[all verbs]' '(- *)'{-V,--version}'[the version]' '1:verb:->verb' '*::argument:->argument'
	case $state in
	verb) _describe verb verbs ;;
	argument)
		case $words[1] in
		status | feeds | failed) _arguments '--json[as JSON]' ;;
		show | why) _arguments '--json[as JSON]' '1:feed:_feedctl_feeds' ;;
		poll) _arguments '--force[without conditions]' '*:feed:_feedctl_feeds' ;;
		resume | accept-move | release) _arguments '1:feed:_feedctl_feeds' ;;
		follow) _arguments '--consumer[a cursor kept by the daemon]:name:' '--after[where to begin]:event or now:(now)' \
			'--feed[only of this feed]:feed:_feedctl_feeds' '--where[an SQL expression]:expression:' \
			'--limit[so many events]:number:' '--no-wait[end at the end of the log]' '--no-ack[leave the cursor to ack]' ;;
		items) _arguments '--feed[only of this feed]:feed:_feedctl_feeds' '--tag[only with this tag]:tag:' \
			'--search[words]:words:' '--limit[so many items]:number:' '--json[as JSON]' ;;
		test) _arguments '1:notifier:_feedctl_notifiers' ;;
		match) _arguments '--since[from when on]:duration or date:' '--json[as JSON]' '1:notifier:_feedctl_notifiers' ;;
		simulate) _arguments '--budget[polls per feed and day]:number:' '--policy[how to poll]:policy:(adaptive fixed)' \
			'--polls[one line a poll]:file:_files' ;;
		backup | import | discover | parse) _files ;;
		esac ;;
	esac
}

_feedctl "$@"
