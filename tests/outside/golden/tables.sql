CREATE INDEX ix_alias_item_id ON alias (item_id);
CREATE INDEX ix_cached_answer_item_id ON cached_answer (item_id);
CREATE INDEX ix_confirmation_state ON confirmation (state);
CREATE INDEX ix_decision_item_id ON decision (item_id);
CREATE INDEX ix_decision_period ON decision (period);
CREATE INDEX ix_decision_verdict ON decision (verdict);
CREATE INDEX ix_delivery_issue_id ON delivery (issue_id);
CREATE INDEX ix_delivery_state ON delivery (state);
CREATE INDEX ix_delivery_subscriber_id ON delivery (subscriber_id);
CREATE INDEX ix_draft_version_period ON draft_version (period);
CREATE INDEX ix_issue_snapshot_issue_id ON issue_snapshot (issue_id);
CREATE INDEX ix_issue_state ON issue (state);
CREATE INDEX ix_item_first_seen ON item (first_seen);
CREATE INDEX ix_item_merged_into ON item (merged_into);
CREATE INDEX ix_item_published ON item (published);
CREATE INDEX ix_item_source_id ON item (source_id);
CREATE INDEX ix_item_title_key ON item (title_key);
CREATE INDEX ix_item_vector_is_compared ON item_vector (is_compared);
CREATE INDEX ix_llm_call_at ON llm_call (at);
CREATE INDEX ix_llm_call_run_id ON llm_call (run_id);
CREATE INDEX ix_mention_item_id ON mention (item_id);
CREATE INDEX ix_outbound_link_at ON outbound_link (at);
CREATE INDEX ix_outbound_link_key ON outbound_link ("key");
CREATE INDEX ix_pick_issue_id ON pick (issue_id);
CREATE INDEX ix_pick_item_id ON pick (item_id);
CREATE INDEX ix_possible_duplicate_item_id ON possible_duplicate (item_id);
CREATE INDEX ix_possible_duplicate_other_id ON possible_duplicate (other_id);
CREATE INDEX ix_prediction_year ON prediction (year);
CREATE INDEX ix_ranking_item_id ON ranking (item_id);
CREATE INDEX ix_ranking_period_place ON ranking (period, place);
CREATE INDEX ix_run_stage ON run (stage);
CREATE INDEX ix_run_started ON run (started);
CREATE INDEX ix_source_result_run_id ON source_result (run_id);
CREATE INDEX ix_source_result_source_id ON source_result (source_id);
CREATE INDEX ix_subscriber_state ON subscriber (state);
CREATE INDEX ix_tagging_category ON tagging (category);
CREATE INDEX ix_tagging_item_id ON tagging (item_id);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE alias (
	"key" VARCHAR NOT NULL, 
	item_id INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(item_id) REFERENCES item (id)
);
CREATE TABLE "cached_answer" (
	"key" VARCHAR NOT NULL, 
	stage VARCHAR NOT NULL, 
	item_id INTEGER, 
	call_id INTEGER, 
	value JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(call_id) REFERENCES "llm_call" (id), 
	FOREIGN KEY(item_id) REFERENCES item (id)
);
CREATE TABLE checkpoint (
	name VARCHAR NOT NULL, 
	value JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE confirmation (
	subscriber_id INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	requested DATETIME NOT NULL, 
	times INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt DATETIME, 
	error VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (subscriber_id), 
	FOREIGN KEY(subscriber_id) REFERENCES subscriber (id)
);
CREATE TABLE decision (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	period VARCHAR, 
	verdict VARCHAR NOT NULL, 
	category VARCHAR, 
	detail JSON NOT NULL, 
	origin VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(item_id) REFERENCES item (id)
);
CREATE TABLE delivery (
	id INTEGER NOT NULL, 
	issue_id INTEGER NOT NULL, 
	subscriber_id INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt DATETIME, 
	error VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(issue_id) REFERENCES issue (id), 
	FOREIGN KEY(subscriber_id) REFERENCES subscriber (id), 
	UNIQUE (issue_id, subscriber_id)
);
CREATE TABLE "draft_version" (
	id INTEGER NOT NULL, 
	period VARCHAR NOT NULL, 
	origin VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE issue (
	id INTEGER NOT NULL, 
	period VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	form VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	intro VARCHAR NOT NULL, 
	outro VARCHAR NOT NULL, 
	sections JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	atom_id VARCHAR NOT NULL, 
	taxonomy JSON NOT NULL, 
	engines JSON NOT NULL, 
	numbers JSON NOT NULL, 
	corrections JSON NOT NULL, 
	created DATETIME NOT NULL, 
	approved DATETIME, 
	approved_by VARCHAR, 
	published DATETIME, 
	updated DATETIME, 
	content_digest VARCHAR NOT NULL, 
	draft_digest VARCHAR NOT NULL, 
	sent DATETIME, subject VARCHAR DEFAULT '' NOT NULL, preheader VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (period)
);
CREATE TABLE issue_snapshot (
	id INTEGER NOT NULL, 
	issue_id INTEGER NOT NULL, 
	"view" JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(issue_id) REFERENCES issue (id)
);
CREATE TABLE item (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	title_source VARCHAR, 
	title_key VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	authors JSON NOT NULL, 
	summary VARCHAR NOT NULL, 
	content VARCHAR NOT NULL, 
	source_id VARCHAR NOT NULL, 
	venue VARCHAR, 
	comment VARCHAR, 
	categories JSON NOT NULL, 
	links JSON NOT NULL, 
	published DATETIME, 
	updated DATETIME, 
	first_seen DATETIME NOT NULL, 
	announced DATETIME, 
	date_flag VARCHAR, 
	version INTEGER, 
	withdrawn DATETIME, 
	digest VARCHAR NOT NULL, 
	merged_into INTEGER, rewordings INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(merged_into) REFERENCES item (id), 
	UNIQUE ("key")
);
CREATE TABLE item_vector (
	item_id INTEGER NOT NULL, 
	item_digest VARCHAR NOT NULL, 
	vector BLOB NOT NULL, is_compared BOOLEAN DEFAULT 1 NOT NULL, 
	PRIMARY KEY (item_id), 
	FOREIGN KEY(item_id) REFERENCES item (id)
);
CREATE VIRTUAL TABLE item_words USING fts5(
        title, authors, summary, content='item', content_rowid='id', tokenize="unicode61 remove_diacritics 2"
    );
CREATE TABLE 'item_words_config'(k PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE 'item_words_data'(id INTEGER PRIMARY KEY, block BLOB);
CREATE TABLE 'item_words_docsize'(id INTEGER PRIMARY KEY, sz BLOB);
CREATE TABLE 'item_words_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
CREATE TABLE item_words_state (upto INTEGER NOT NULL);
CREATE TABLE "key_value" (
	name VARCHAR NOT NULL, 
	value JSON NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE link_check (
	url VARCHAR NOT NULL, 
	status INTEGER, 
	final_url VARCHAR, 
	error VARCHAR, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (url)
);
CREATE TABLE "llm_call" (
	id INTEGER NOT NULL, 
	run_id INTEGER, 
	stage VARCHAR NOT NULL, 
	provider VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	model_version VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	prompt_tokens INTEGER NOT NULL, 
	output_tokens INTEGER NOT NULL, 
	thought_tokens INTEGER NOT NULL, 
	cached_tokens INTEGER NOT NULL, 
	usd FLOAT NOT NULL, 
	seconds FLOAT NOT NULL, 
	response VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES run (id)
);
CREATE TABLE "lock" (
	name VARCHAR NOT NULL, 
	holder VARCHAR NOT NULL, 
	expires DATETIME NOT NULL, 
	not_before DATETIME, 
	PRIMARY KEY (name)
);
CREATE TABLE mention (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	source_id VARCHAR NOT NULL, 
	guid VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	published DATETIME, 
	first_seen DATETIME NOT NULL, 
	digest VARCHAR NOT NULL, 
	own_key VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(item_id) REFERENCES item (id), 
	UNIQUE (source_id, guid)
);
CREATE TABLE outbound_link (
	id INTEGER NOT NULL, 
	source_id VARCHAR NOT NULL, 
	guid VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	anchor VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	page_url VARCHAR NOT NULL, 
	page_title VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (source_id, guid, "key")
);
CREATE TABLE pick (
	id INTEGER NOT NULL, 
	issue_id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	category VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	title VARCHAR, 
	url VARCHAR, 
	blurb VARCHAR NOT NULL, 
	origin VARCHAR NOT NULL, 
	engine VARCHAR NOT NULL, 
	grounding_status VARCHAR NOT NULL, 
	flags JSON NOT NULL, 
	evidence JSON NOT NULL, 
	versions JSON NOT NULL, 
	is_brief BOOLEAN NOT NULL, 
	highlight VARCHAR, 
	update_of VARCHAR, 
	signed_by VARCHAR, 
	signed DATETIME, verdict VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(issue_id) REFERENCES issue (id), 
	FOREIGN KEY(item_id) REFERENCES item (id), 
	UNIQUE (issue_id, item_id)
);
CREATE TABLE possible_duplicate (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	other_id INTEGER NOT NULL, 
	score FLOAT NOT NULL, 
	reason VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(item_id) REFERENCES item (id), 
	FOREIGN KEY(other_id) REFERENCES item (id), 
	UNIQUE (item_id, other_id)
);
CREATE TABLE "prediction" (
	id INTEGER NOT NULL, 
	year INTEGER NOT NULL, 
	text VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE ranking (
	id INTEGER NOT NULL, 
	period VARCHAR NOT NULL, 
	item_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	score FLOAT NOT NULL, 
	reasons JSON NOT NULL, 
	ranker VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(item_id) REFERENCES item (id), 
	UNIQUE (period, item_id)
);
CREATE TABLE run (
	id INTEGER NOT NULL, 
	stage VARCHAR NOT NULL, 
	period VARCHAR, 
	state VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME, 
	report JSON NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE "source_result" (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	source_id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	found INTEGER NOT NULL, 
	new INTEGER NOT NULL, 
	revised INTEGER NOT NULL, 
	unchanged INTEGER NOT NULL, 
	duplicate INTEGER NOT NULL, 
	rejected INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	requests INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	error VARCHAR, 
	hint VARCHAR, 
	next_check DATETIME, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES run (id), 
	UNIQUE (run_id, source_id)
);
CREATE TABLE source_state (
	source_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	etag VARCHAR, 
	last_modified VARCHAR, 
	validators_url VARCHAR, 
	body_digest VARCHAR, 
	parser_version INTEGER NOT NULL, 
	last_checked DATETIME, 
	last_changed DATETIME, 
	next_check DATETIME, 
	unanswered INTEGER NOT NULL, 
	errors INTEGER NOT NULL, 
	last_error VARCHAR, 
	moved_to VARCHAR, 
	moving_to VARCHAR, 
	moving_since DATETIME, 
	moving_count INTEGER NOT NULL, 
	disabled VARCHAR, 
	links_seen INTEGER NOT NULL, 
	cursor JSON NOT NULL, 
	polling_hints JSON NOT NULL, 
	PRIMARY KEY (source_id)
);
CREATE TABLE subscriber (
	id INTEGER NOT NULL, 
	address VARCHAR NOT NULL, 
	address_key VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	token VARCHAR NOT NULL, 
	topics JSON NOT NULL, 
	reason VARCHAR NOT NULL, 
	created DATETIME NOT NULL, 
	changed DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (address_key), 
	UNIQUE (token)
);
CREATE TABLE tagging (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	engine VARCHAR NOT NULL, 
	category VARCHAR NOT NULL, 
	secondary VARCHAR, 
	confidence FLOAT NOT NULL, 
	relevance INTEGER, 
	novelty INTEGER, 
	reason VARCHAR NOT NULL, 
	taxonomy VARCHAR NOT NULL, 
	item_digest VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(item_id) REFERENCES item (id), 
	UNIQUE (item_id, engine)
);
CREATE TABLE tombstone (
	"key" VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TRIGGER item_words_changed AFTER UPDATE OF title, authors, summary ON item
    WHEN old.id <= (SELECT upto FROM item_words_state) BEGIN
        INSERT INTO item_words(item_words, rowid, title, authors, summary)
        VALUES ('delete', old.id, old.title, old.authors, old.summary);
        INSERT INTO item_words(rowid, title, authors, summary) VALUES (new.id, new.title, new.authors, new.summary);
    END;
CREATE TRIGGER item_words_old AFTER DELETE ON item
    WHEN old.id <= (SELECT upto FROM item_words_state) BEGIN
        INSERT INTO item_words(item_words, rowid, title, authors, summary)
        VALUES ('delete', old.id, old.title, old.authors, old.summary);
    END;
