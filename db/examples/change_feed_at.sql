SELECT change_feed_at(now() - interval '2 days') AS two_days_ago, change_feed_at(now()) AS now;
