# Completion of feedctl(1) for fish.

function __feedctl_feeds
	feedctl feeds --json 2>/dev/null | string match -ar '{"name":"[^"]*"' | string replace -r '.*:"(.*)"' '$1'
end

function __feedctl_notifiers
	feedctl status --json 2>/dev/null | string split '{' | string match -r '^"name":"[^"]*".*kind' |
		string replace -r '^"name":"([^"]*)".*' '$1'
end

complete -c feedctl -f
complete -c feedctl -n __fish_use_subcommand -s s -l socket -r -F -d 'The socket of the daemon'
complete -c feedctl -n __fish_use_subcommand -s V -l version -d 'The version'
complete -c feedctl -s h -l help -d 'Usage'
complete -c feedctl -n __fish_use_subcommand -a status -d 'What the daemon does'
complete -c feedctl -n __fish_use_subcommand -a feeds -d 'All feeds'
complete -c feedctl -n __fish_use_subcommand -a show -d 'All that is known of a feed'
complete -c feedctl -n __fish_use_subcommand -a poll -d 'Poll feeds now'
complete -c feedctl -n __fish_use_subcommand -a reload -d 'Read the configuration anew'
complete -c feedctl -n __fish_use_subcommand -a resume -d 'Poll a feed again that was gone'
complete -c feedctl -n __fish_use_subcommand -a accept-move -d 'Take the new address of a feed'
complete -c feedctl -n __fish_use_subcommand -a release -d 'Tell the items that were held'
complete -c feedctl -n __fish_use_subcommand -a why -d 'Why a feed is polled when it is, why an event came about'
complete -c feedctl -n __fish_use_subcommand -a follow -d 'The events of the log, then live'
complete -c feedctl -n __fish_use_subcommand -a ack -d 'All up to this event was dealt with'
complete -c feedctl -n __fish_use_subcommand -a items -d 'Stored items'
complete -c feedctl -n __fish_use_subcommand -a failed -d 'Deliveries that were set aside'
complete -c feedctl -n __fish_use_subcommand -a retry -d 'Send again what was set aside'
complete -c feedctl -n __fish_use_subcommand -a test -d 'Send a sample event'
complete -c feedctl -n __fish_use_subcommand -a match -d 'What a notifier would have sent'
complete -c feedctl -n __fish_use_subcommand -a backup -d 'A sound copy of the database'
complete -c feedctl -n __fish_use_subcommand -a export -d 'The subscriptions as OPML'
complete -c feedctl -n __fish_use_subcommand -a import -d 'Feed blocks out of OPML'
complete -c feedctl -n __fish_use_subcommand -a discover -d 'The feeds that a page announces'
complete -c feedctl -n __fish_use_subcommand -a parse -d 'Any feed as a JSON Feed'
complete -c feedctl -n __fish_use_subcommand -a simulate -d 'Run the schedule on a trace'
complete -c feedctl -n '__fish_seen_subcommand_from show why poll resume accept-move release' -a '(__feedctl_feeds)'
complete -c feedctl -n '__fish_seen_subcommand_from test match' -a '(__feedctl_notifiers)'
complete -c feedctl -n '__fish_seen_subcommand_from status feeds show why items failed match discover' -l json -d 'As JSON'
complete -c feedctl -n '__fish_seen_subcommand_from poll' -l force -d 'Without conditions'
complete -c feedctl -n '__fish_seen_subcommand_from follow' -l consumer -x -d 'A cursor kept by the daemon'
complete -c feedctl -n '__fish_seen_subcommand_from follow' -l after -x -a now -d 'Where to begin'
complete -c feedctl -n '__fish_seen_subcommand_from follow items' -l feed -x -a '(__feedctl_feeds)' -d 'Only of this feed'
complete -c feedctl -n '__fish_seen_subcommand_from follow' -l where -x -d 'An SQL expression'
complete -c feedctl -n '__fish_seen_subcommand_from follow items' -l limit -x -d 'So many'
complete -c feedctl -n '__fish_seen_subcommand_from follow' -l no-wait -d 'End at the end of the log'
complete -c feedctl -n '__fish_seen_subcommand_from follow' -l no-ack -d 'Leave the cursor to ack'
complete -c feedctl -n '__fish_seen_subcommand_from items' -l tag -x -d 'Only with this tag'
complete -c feedctl -n '__fish_seen_subcommand_from items' -l search -x -d 'Words'
complete -c feedctl -n '__fish_seen_subcommand_from match' -l since -x -d 'From when on'
complete -c feedctl -n '__fish_seen_subcommand_from simulate' -l budget -x -d 'Polls per feed and day'
complete -c feedctl -n '__fish_seen_subcommand_from simulate' -l policy -x -a 'adaptive fixed' -d 'How to poll'
complete -c feedctl -n '__fish_seen_subcommand_from simulate' -l polls -r -F -d 'One line a poll'
complete -c feedctl -n '__fish_seen_subcommand_from backup import discover parse' -F
