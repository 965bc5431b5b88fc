BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0007');
CREATE TABLE announcements (
	id INTEGER NOT NULL, 
	channel_id TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	build_id TEXT NOT NULL, 
	event TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	state TEXT NOT NULL, 
	unsure BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	first_attempt_at BIGINT, 
	ts TEXT, 
	posted_at BIGINT, 
	reason TEXT, card TEXT DEFAULT '' NOT NULL, manner TEXT DEFAULT '' NOT NULL, fact TEXT DEFAULT '' NOT NULL, subscription_id BIGINT, held_until BIGINT, superseded_by TEXT, 
	CONSTRAINT pk_announcements PRIMARY KEY (id), 
	CONSTRAINT uq_announcements_channel_id_build_id_event UNIQUE (channel_id, build_id, event)
);
INSERT INTO "announcements" VALUES(1,'C0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','uploaded','C0S000001:34d57678e2289306ba65c504:uploaded','posted',0,1796028178457565,1796028178469013,'1796028178.471461',1796028178472445,NULL,'34d57678e2289306ba65c504','{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}','',1,NULL,NULL);
INSERT INTO "announcements" VALUES(2,'C0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','processed','C0S000001:34d57678e2289306ba65c504:processed','posted',0,1796028178457565,NULL,'1796028178.471461',1796028178472745,NULL,'34d57678e2289306ba65c504','{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}','',1,NULL,NULL);
INSERT INTO "announcements" VALUES(3,'C0S000003','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','processed','C0S000003:34d57678e2289306ba65c504:processed','held',0,1796028178457565,NULL,NULL,NULL,NULL,'held/2/1798620178','{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"22:00-23:00","tz":"Europe/Madrid"}','',2,1798620178326899,NULL);
INSERT INTO "announcements" VALUES(4,'C0S000001','794d8b7590c562e434cd55a8','3d63b5e769bcc3740eaf9355','uploaded','C0S000001:3d63b5e769bcc3740eaf9355:uploaded','posted',0,1796028179392187,1796028179403486,'1796028179.416985',1796028179421745,NULL,'3d63b5e769bcc3740eaf9355','{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}','',1,NULL,NULL);
INSERT INTO "announcements" VALUES(5,'C0S000004','','welcome','welcome','C0S000004:welcome','posted',0,1796028179492629,1796028179503368,'1796028179.504525',1796028179504954,NULL,'welcome','','',NULL,NULL,NULL);
CREATE TABLE app_channels (
	app_id TEXT NOT NULL, 
	channel_id TEXT NOT NULL, 
	set_by TEXT NOT NULL, 
	set_at BIGINT NOT NULL, 
	CONSTRAINT pk_app_channels PRIMARY KEY (app_id, channel_id)
);
INSERT INTO "app_channels" VALUES('decd0e5884cffd3897a20fa6','C0S000001','U0S000001',1796028178507157);
CREATE TABLE apps (
	app_id TEXT NOT NULL, 
	next_at BIGINT NOT NULL, 
	lease_token TEXT, 
	lease_until BIGINT NOT NULL, 
	rung BOOLEAN NOT NULL, 
	baseline_done BOOLEAN NOT NULL, 
	baseline_since BIGINT, 
	failures INTEGER NOT NULL, 
	last_polled_at BIGINT, 
	CONSTRAINT pk_apps PRIMARY KEY (app_id)
);
INSERT INTO "apps" VALUES('794d8b7590c562e434cd55a8',1796028179536963,NULL,0,0,1,1796028177923000,0,1796028179484381);
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	team_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	action TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	door TEXT NOT NULL, 
	channel_id TEXT, 
	app_id TEXT, 
	build_id TEXT, 
	token_hash TEXT, 
	CONSTRAINT pk_audit PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,1796028178233707,'T0SANDBOX','U0S000001','subscribe','on:uploaded,processed,failed','command','C0S000001','794d8b7590c562e434cd55a8',NULL,NULL);
INSERT INTO "audit" VALUES(2,1796028178307493,'T0SANDBOX','U0S000001','subscribe','on:processed,failed quiet:22:00-23:00 tz:Europe/Madrid','command','C0S000003','794d8b7590c562e434cd55a8',NULL,NULL);
INSERT INTO "audit" VALUES(3,1796028178326899,'T0SANDBOX','U0S000001','mute','until 2026-12-30 08:42 UTC','command','C0S000003','794d8b7590c562e434cd55a8',NULL,NULL);
INSERT INTO "audit" VALUES(4,1796028178474999,'T0SANDBOX','U0S000001','grant','releaser to U0S000002','command','C0S000001','794d8b7590c562e434cd55a8',NULL,NULL);
INSERT INTO "audit" VALUES(5,1796028178482135,'T0SANDBOX','U0S000001','grant','member to S0S000001','command','C0S000001',NULL,NULL,NULL);
INSERT INTO "audit" VALUES(6,1796028178506388,'T0SANDBOX','U0S000001','grant','channel C0S000001','command','C0S000001','decd0e5884cffd3897a20fa6',NULL,NULL);
INSERT INTO "audit" VALUES(7,1796028178513429,'T0SANDBOX','U0S000001','grant','manager channel C0S000003','command','C0S000001',NULL,NULL,NULL);
INSERT INTO "audit" VALUES(8,1796028178868258,'T0SANDBOX','U0S000003','ask','manager','button','C0S000001',NULL,NULL,NULL);
INSERT INTO "audit" VALUES(9,1796028179238484,'T0SANDBOX','U0S000002','get','ticket','command','C0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','f1b48811c0c87e1768802a76d792f38865cf6064893cc7ee08044ab47849b2a7');
INSERT INTO "audit" VALUES(10,1796028179251865,'T0SANDBOX','U0S000001','send','to U0S000002','command','C0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504',NULL);
INSERT INTO "audit" VALUES(11,1796028179261820,'T0SANDBOX','U0S000001','digest','daily@09:00 in C0S000003','command','C0S000003','794d8b7590c562e434cd55a8',NULL,NULL);
INSERT INTO "audit" VALUES(12,1796028179270844,'T0SANDBOX','U0S000001','digest','monday@09:00 in C0S000001','command','C0S000001','794d8b7590c562e434cd55a8',NULL,NULL);
INSERT INTO "audit" VALUES(13,1796028179290792,'T0SANDBOX','U0S000001','nudge','2 people','button','D0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504',NULL);
INSERT INTO "audit" VALUES(14,1796028179330258,'T0SANDBOX','U0S000001','recall','crash on login','command','C0S000001','794d8b7590c562e434cd55a8','18a0971e1f0db9742d361f4d',NULL);
INSERT INTO "audit" VALUES(15,1796028179493585,'T0SANDBOX','U0S000001','subscribe','on:processed,failed','command','C0S000004','794d8b7590c562e434cd55a8',NULL,NULL);
INSERT INTO "audit" VALUES(16,1796028179501136,'T0SANDBOX','U0S000001','get','ticket','command','C0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','83e2ae505905e8e0260455b845aec9f3aff77d3581ef899edf0b6719d34f87de');
INSERT INTO "audit" VALUES(17,1796028179783499,'T0SANDBOX','U0S000002','get','minted','command','C0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','6a05da131f5dc4e17fc8370002f57ba55020dacf4bf8714b54b54d0c62eb4640');
INSERT INTO "audit" VALUES(18,1796028179827478,'T0SANDBOX','U0S000002','get','minted','button','C0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','1eaa5ae652b4102238d94d0eccbf78a82b8e9102f819237b11aa359eb762b262');
CREATE TABLE awaited (
	build_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	team_id TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	told BOOLEAN NOT NULL, facts TEXT, 
	CONSTRAINT pk_awaited PRIMARY KEY (build_id, user_id)
);
INSERT INTO "awaited" VALUES('3d63b5e769bcc3740eaf9355','U0S000002','T0SANDBOX','794d8b7590c562e434cd55a8',1796028179446636,0,'{"id":"3d63b5e769bcc3740eaf9355","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"running","status":"in_progress","version":"2.5.0","number":"180","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"180","url":"https://ci.acme.example/runs/180"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:42:59.359000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:42:59.359000Z","updated_at":"2026-11-30T08:42:59.359000Z","icon":null}');
INSERT INTO "awaited" VALUES('3d63b5e769bcc3740eaf9355','U0S000001','T0SANDBOX','794d8b7590c562e434cd55a8',1796028179456196,0,'{"id":"3d63b5e769bcc3740eaf9355","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"running","status":"in_progress","version":"2.5.0","number":"180","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"180","url":"https://ci.acme.example/runs/180"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:42:59.359000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:42:59.359000Z","updated_at":"2026-11-30T08:42:59.359000Z","icon":null}');
CREATE TABLE builds (
	build_id TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	stage TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	gone BOOLEAN NOT NULL, 
	changed_at BIGINT NOT NULL, mark TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_builds PRIMARY KEY (build_id)
);
INSERT INTO "builds" VALUES('18a0971e1f0db9742d361f4d','794d8b7590c562e434cd55a8','ready','{"id":"18a0971e1f0db9742d361f4d","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"ready","status":"processed","version":"2.3.0","number":"163","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"163","url":"https://ci.acme.example/runs/163"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:42:57.923000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:42:57.923000Z","updated_at":"2026-11-30T08:42:57.923000Z","icon":null}',0,1796028178243995,'64672ca0a6990129');
INSERT INTO "builds" VALUES('3c1e8e70b8c7a9c876c65037','794d8b7590c562e434cd55a8','ready','{"id":"3c1e8e70b8c7a9c876c65037","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"ready","status":"processed","version":"1.0.0","number":"100","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"100","url":"https://ci.acme.example/runs/100"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:42:57.923000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:42:57.923000Z","updated_at":"2026-11-30T08:42:57.923000Z","icon":null}',0,1796028178243995,'17de63ac47b3e6ef');
INSERT INTO "builds" VALUES('34d57678e2289306ba65c504','794d8b7590c562e434cd55a8','ready','{"id":"34d57678e2289306ba65c504","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"ready","status":"processed","version":"2.4.0","number":"173","platform":"ios","size":1572864,"tags":[],"changelog":"Faster sign-in","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"173","url":"https://ci.acme.example/runs/173"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:42:58.389000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:42:58.389000Z","updated_at":"2026-11-30T08:42:58.389000Z","icon":null}',0,1796028178456891,'76db4bd1005e26bd');
INSERT INTO "builds" VALUES('3d63b5e769bcc3740eaf9355','794d8b7590c562e434cd55a8','running','{"id":"3d63b5e769bcc3740eaf9355","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"running","status":"in_progress","version":"2.5.0","number":"180","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"180","url":"https://ci.acme.example/runs/180"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:42:59.359000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:42:59.359000Z","updated_at":"2026-11-30T08:42:59.359000Z","icon":null}',0,1796028179392021,'15c563fb1bf252d4');
CREATE TABLE channels (
	channel_id TEXT NOT NULL, 
	waiting BOOLEAN NOT NULL, 
	next_at BIGINT NOT NULL, 
	lease_token TEXT, 
	lease_until BIGINT NOT NULL, 
	CONSTRAINT pk_channels PRIMARY KEY (channel_id)
);
INSERT INTO "channels" VALUES('C0S000001',0,1796028179421905,NULL,0);
INSERT INTO "channels" VALUES('C0S000003',0,0,NULL,0);
INSERT INTO "channels" VALUES('C0S000004',0,1796028179505055,NULL,0);
CREATE TABLE digests (
	id INTEGER NOT NULL, 
	team_id TEXT NOT NULL, 
	place TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	app_name TEXT NOT NULL, 
	which TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	schedule TEXT NOT NULL, 
	tz TEXT NOT NULL, 
	quiet BOOLEAN NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	told_until BIGINT NOT NULL, 
	due_at BIGINT NOT NULL, 
	lease_token TEXT, 
	lease_until BIGINT NOT NULL, 
	paused TEXT, 
	CONSTRAINT pk_digests PRIMARY KEY (id), 
	CONSTRAINT uq_digests_place_app_id_which_by_schedule UNIQUE (place, app_id, which, "by", schedule)
);
INSERT INTO "digests" VALUES(1,'T0SANDBOX','C0S000003','794d8b7590c562e434cd55a8','Courier','','person','daily@09:00','Europe/Madrid',0,'U0S000001',1796028179264512,1796028179264515,1796112000000000,NULL,0,NULL);
INSERT INTO "digests" VALUES(2,'T0SANDBOX','C0S000001','794d8b7590c562e434cd55a8','Courier','','person','monday@09:00','Europe/Madrid',1,'U0S000001',1796028179274092,1796028179274095,1796630400000000,NULL,0,NULL);
CREATE TABLE expiries (
	id INTEGER NOT NULL, 
	due_at BIGINT NOT NULL, 
	address TEXT NOT NULL, 
	ts TEXT, 
	app_id TEXT NOT NULL, 
	build_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	again TEXT NOT NULL, language TEXT DEFAULT 'en' NOT NULL, 
	CONSTRAINT pk_expiries PRIMARY KEY (id)
);
INSERT INTO "expiries" VALUES(1,1796028479827000,'D0S000002','1796028179.841204','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','Courier 2.4.0 (173) iOS · release/2.4','794d8b7590c562e434cd55a8/34d57678e2289306ba65c504/file','en');
CREATE TABLE given_links (
	id INTEGER NOT NULL, 
	user_id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_given_links PRIMARY KEY (id)
);
INSERT INTO "given_links" VALUES(1,'U0S000002',1796028178922718);
INSERT INTO "given_links" VALUES(2,'U0S000001',1796028179499977);
INSERT INTO "given_links" VALUES(3,'U0S000002',1796028179590567);
INSERT INTO "given_links" VALUES(4,'U0S000002',1796028179809210);
CREATE TABLE grants (
	team_id TEXT NOT NULL, 
	grantee TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	role TEXT NOT NULL, 
	granted_by TEXT NOT NULL, 
	granted_at BIGINT NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (team_id, grantee, app_id)
);
INSERT INTO "grants" VALUES('T0SANDBOX','U0S000002','794d8b7590c562e434cd55a8','RELEASER','U0S000001',1796028178475962);
INSERT INTO "grants" VALUES('T0SANDBOX','S0S000001','*','MEMBER','U0S000001',1796028178482478);
CREATE TABLE manager_channels (
	channel_id TEXT NOT NULL, 
	set_by TEXT NOT NULL, 
	set_at BIGINT NOT NULL, 
	CONSTRAINT pk_manager_channels PRIMARY KEY (channel_id)
);
INSERT INTO "manager_channels" VALUES('C0S000003','U0S000001',1796028178514562);
CREATE TABLE notes (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_notes PRIMARY KEY ("key")
);
INSERT INTO "notes" VALUES('choice:U0S000002:C0S000001','794d8b7590c562e434cd55a8');
INSERT INTO "notes" VALUES('choice:U0S000001:C0S000001','794d8b7590c562e434cd55a8');
CREATE TABLE nudges (
	build_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	sent_by TEXT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	CONSTRAINT pk_nudges PRIMARY KEY (build_id, user_id)
);
INSERT INTO "nudges" VALUES('34d57678e2289306ba65c504','U0S000002','U0S000001',1796028179298528);
INSERT INTO "nudges" VALUES('34d57678e2289306ba65c504','U0S000005','U0S000001',1796028179298730);
CREATE TABLE progress (
	build_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	standing TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	usual_seconds DOUBLE, 
	channel TEXT, 
	ts TEXT, 
	shown TEXT NOT NULL, 
	tried BOOLEAN NOT NULL, 
	alarmed BOOLEAN NOT NULL, 
	due_at BIGINT NOT NULL, 
	CONSTRAINT pk_progress PRIMARY KEY (build_id, user_id)
);
INSERT INTO "progress" VALUES('3d63b5e769bcc3740eaf9355','U0S000001','794d8b7590c562e434cd55a8','open',1796028179456196,NULL,'D0S000001','1796028179.488595','Courier 2.5.0 (180) for iOS: ⚙️ being processed. I cannot say how long it takes: the iOS builds of Courier that are ready tell nothing of it.',1,0,1796028179489235);
CREATE TABLE recalls (
	build_id TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recalled_by TEXT NOT NULL, 
	recalled_at BIGINT NOT NULL, 
	CONSTRAINT pk_recalls PRIMARY KEY (build_id)
);
INSERT INTO "recalls" VALUES('18a0971e1f0db9742d361f4d','794d8b7590c562e434cd55a8','crash on login','U0S000001',1796028179332306);
CREATE TABLE recent (
	"key" TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_recent PRIMARY KEY ("key")
);
INSERT INTO "recent" VALUES('U0S000003 C0S000001 1796028178.522313 ask.v1 manager/',1796028178869147);
INSERT INTO "recent" VALUES('U0S000001 D0S000001 1796028179.289575 nudge.v1 794d8b7590c562e434cd55a8 34d57678e2289306ba65c504 missing:"&lt;!subteam^S0S000001&gt;"',1796028179291108);
INSERT INTO "recent" VALUES('U0S000002 C0S000001 1796028179.798023 dm.v1 794d8b7590c562e434cd55a8/34d57678e2289306ba65c504/file',1796028179806883);
CREATE TABLE role_requests (
	id INTEGER NOT NULL, 
	team_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	role TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	decided_by TEXT, 
	decided_at BIGINT, 
	allowed BOOLEAN, 
	CONSTRAINT pk_role_requests PRIMARY KEY (id)
);
INSERT INTO "role_requests" VALUES(1,'T0SANDBOX','U0S000003','MANAGER','*',1796028178881484,NULL,NULL,NULL);
CREATE TABLE seen_events (
	event_id TEXT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_seen_events PRIMARY KEY (event_id)
);
INSERT INTO "seen_events" VALUES('EvZHyfxAgWKj',1796028179491538);
CREATE TABLE sent_builds (
	id INTEGER NOT NULL, 
	team_id TEXT NOT NULL, 
	sender TEXT NOT NULL, 
	recipient TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	build_id TEXT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_sent_builds PRIMARY KEY (id)
);
INSERT INTO "sent_builds" VALUES(1,'T0SANDBOX','U0S000001','U0S000002','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504',1796028179254117,NULL);
CREATE TABLE subscriptions (
	id INTEGER NOT NULL, 
	team_id TEXT NOT NULL, 
	channel_id TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	app_name TEXT NOT NULL, 
	events TEXT NOT NULL, 
	"query" TEXT NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	paused TEXT, manner TEXT DEFAULT '' NOT NULL, muted_until BIGINT, 
	CONSTRAINT pk_subscriptions PRIMARY KEY (id), 
	CONSTRAINT uq_subscriptions_channel_id_app_id UNIQUE (channel_id, app_id)
);
INSERT INTO "subscriptions" VALUES(1,'T0SANDBOX','C0S000001','794d8b7590c562e434cd55a8','Courier','uploaded processed failed','','U0S000001',1796028178243367,NULL,'{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}',NULL);
INSERT INTO "subscriptions" VALUES(2,'T0SANDBOX','C0S000003','794d8b7590c562e434cd55a8','Courier','processed failed','','U0S000001',1796028178310682,NULL,'{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"22:00-23:00","tz":"Europe/Madrid"}',1798620178326899);
INSERT INTO "subscriptions" VALUES(3,'T0SANDBOX','C0S000004','794d8b7590c562e434cd55a8','Courier','processed failed','','U0S000001',1796028179496080,NULL,'{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}',NULL);
CREATE TABLE tickets (
	hash TEXT NOT NULL, 
	team_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	app_id TEXT NOT NULL, 
	build_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	file_id TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	claims_left INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	CONSTRAINT pk_tickets PRIMARY KEY (hash)
);
INSERT INTO "tickets" VALUES('f1b48811c0c87e1768802a76d792f38865cf6064893cc7ee08044ab47849b2a7','T0SANDBOX','U0S000002','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','auto','',1796028179168825,1796028779168825,1,'open','C0S000001');
INSERT INTO "tickets" VALUES('83e2ae505905e8e0260455b845aec9f3aff77d3581ef899edf0b6719d34f87de','T0SANDBOX','U0S000001','794d8b7590c562e434cd55a8','34d57678e2289306ba65c504','auto','',1796028179500635,1796028779500635,1,'open','C0S000001');
CREATE TABLE unnudged (
	user_id TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	CONSTRAINT pk_unnudged PRIMARY KEY (user_id)
);
INSERT INTO "unnudged" VALUES('U0S000005',1796028179317233);
CREATE INDEX ix_subscriptions_app_id ON subscriptions (app_id);
CREATE INDEX ix_apps_next_at ON apps (next_at);
CREATE INDEX ix_builds_app_id_stage ON builds (app_id, stage);
CREATE INDEX ix_channels_waiting ON channels (next_at) WHERE waiting;
CREATE INDEX ix_channels_lease_token ON channels (lease_token);
CREATE INDEX ix_announcements_waiting ON announcements (channel_id, id) WHERE state IN ('due', 'sending');
CREATE INDEX ix_announcements_last_post ON announcements (channel_id, app_id, posted_at);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_audit_user_id_at ON audit (user_id, at);
CREATE INDEX ix_audit_app_id_at ON audit (app_id, at);
CREATE INDEX ix_seen_events_seen_at ON seen_events (seen_at);
CREATE INDEX ix_role_requests_user_id_asked_at ON role_requests (user_id, asked_at);
CREATE INDEX ix_given_links_user_id_at ON given_links (user_id, at);
CREATE INDEX ix_recent_at ON recent (at);
CREATE INDEX ix_awaited_app_id ON awaited (app_id);
CREATE INDEX ix_expiries_due_at ON expiries (due_at);
CREATE INDEX ix_tickets_build_id_user_id ON tickets (build_id, user_id);
CREATE INDEX ix_tickets_expires_at ON tickets (expires_at);
CREATE INDEX ix_announcements_channel_id_card ON announcements (channel_id, card);
CREATE INDEX ix_announcements_build_id ON announcements (build_id);
CREATE INDEX ix_announcements_held ON announcements (held_until) WHERE state = 'held';
CREATE INDEX ix_announcements_standing ON announcements (channel_id, app_id) WHERE event = 'processed' AND superseded_by IS NULL;
CREATE INDEX ix_progress_due_at ON progress (due_at);
CREATE INDEX ix_digests_due_at ON digests (due_at);
COMMIT;
