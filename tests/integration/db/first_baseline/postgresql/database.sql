SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.announcements (
    id bigint NOT NULL,
    channel_id text NOT NULL,
    app_id text NOT NULL,
    build_id text NOT NULL,
    event text NOT NULL,
    key text NOT NULL,
    state text NOT NULL,
    unsure boolean NOT NULL,
    created_at bigint NOT NULL,
    first_attempt_at bigint,
    ts text,
    posted_at bigint,
    reason text,
    card text DEFAULT ''::text NOT NULL,
    manner text DEFAULT ''::text NOT NULL,
    fact text DEFAULT ''::text NOT NULL,
    subscription_id bigint,
    held_until bigint,
    superseded_by text
);
CREATE SEQUENCE public.announcements_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.announcements_id_seq OWNED BY public.announcements.id;
CREATE TABLE public.app_channels (
    app_id text NOT NULL,
    channel_id text NOT NULL,
    set_by text NOT NULL,
    set_at bigint NOT NULL
);
CREATE TABLE public.apps (
    app_id text NOT NULL,
    next_at bigint NOT NULL,
    lease_token text,
    lease_until bigint NOT NULL,
    rung boolean NOT NULL,
    baseline_done boolean NOT NULL,
    baseline_since bigint,
    failures integer NOT NULL,
    last_polled_at bigint
);
CREATE TABLE public.audit (
    id bigint NOT NULL,
    at bigint NOT NULL,
    team_id text NOT NULL,
    user_id text NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    door text NOT NULL,
    channel_id text,
    app_id text,
    build_id text,
    token_hash text
);
CREATE SEQUENCE public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;
CREATE TABLE public.awaited (
    build_id text NOT NULL,
    user_id text NOT NULL,
    team_id text NOT NULL,
    app_id text NOT NULL,
    asked_at bigint NOT NULL,
    told boolean NOT NULL,
    facts text
);
CREATE TABLE public.builds (
    build_id text NOT NULL,
    app_id text NOT NULL,
    stage text NOT NULL,
    facts text NOT NULL,
    gone boolean NOT NULL,
    changed_at bigint NOT NULL,
    mark text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.channels (
    channel_id text NOT NULL,
    waiting boolean NOT NULL,
    next_at bigint NOT NULL,
    lease_token text,
    lease_until bigint NOT NULL
);
CREATE TABLE public.digests (
    id bigint NOT NULL,
    team_id text NOT NULL,
    place text NOT NULL,
    app_id text NOT NULL,
    app_name text NOT NULL,
    which text NOT NULL,
    by text NOT NULL,
    schedule text NOT NULL,
    tz text NOT NULL,
    quiet boolean NOT NULL,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    told_until bigint NOT NULL,
    due_at bigint NOT NULL,
    lease_token text,
    lease_until bigint NOT NULL,
    paused text
);
CREATE SEQUENCE public.digests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.digests_id_seq OWNED BY public.digests.id;
CREATE TABLE public.expiries (
    id bigint NOT NULL,
    due_at bigint NOT NULL,
    address text NOT NULL,
    ts text,
    app_id text NOT NULL,
    build_id text NOT NULL,
    title text NOT NULL,
    again text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL
);
CREATE SEQUENCE public.expiries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.expiries_id_seq OWNED BY public.expiries.id;
CREATE TABLE public.given_links (
    id bigint NOT NULL,
    user_id text NOT NULL,
    at bigint NOT NULL
);
CREATE SEQUENCE public.given_links_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.given_links_id_seq OWNED BY public.given_links.id;
CREATE TABLE public.grants (
    team_id text NOT NULL,
    grantee text NOT NULL,
    app_id text NOT NULL,
    role text NOT NULL,
    granted_by text NOT NULL,
    granted_at bigint NOT NULL
);
CREATE TABLE public.manager_channels (
    channel_id text NOT NULL,
    set_by text NOT NULL,
    set_at bigint NOT NULL
);
CREATE TABLE public.notes (
    key text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.nudges (
    build_id text NOT NULL,
    user_id text NOT NULL,
    sent_by text NOT NULL,
    sent_at bigint NOT NULL
);
CREATE TABLE public.progress (
    build_id text NOT NULL,
    user_id text NOT NULL,
    app_id text NOT NULL,
    standing text NOT NULL,
    started_at bigint NOT NULL,
    usual_seconds double precision,
    channel text,
    ts text,
    shown text NOT NULL,
    tried boolean NOT NULL,
    alarmed boolean NOT NULL,
    due_at bigint NOT NULL
);
CREATE TABLE public.recalls (
    build_id text NOT NULL,
    app_id text NOT NULL,
    reason text NOT NULL,
    recalled_by text NOT NULL,
    recalled_at bigint NOT NULL
);
CREATE TABLE public.recent (
    key text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.role_requests (
    id bigint NOT NULL,
    team_id text NOT NULL,
    user_id text NOT NULL,
    role text NOT NULL,
    app_id text NOT NULL,
    asked_at bigint NOT NULL,
    decided_by text,
    decided_at bigint,
    allowed boolean
);
CREATE SEQUENCE public.role_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.role_requests_id_seq OWNED BY public.role_requests.id;
CREATE TABLE public.seen_events (
    event_id text NOT NULL,
    seen_at bigint NOT NULL
);
CREATE TABLE public.sent_builds (
    id bigint NOT NULL,
    team_id text NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    app_id text NOT NULL,
    build_id text NOT NULL,
    sent_at bigint NOT NULL,
    used_at bigint
);
CREATE SEQUENCE public.sent_builds_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.sent_builds_id_seq OWNED BY public.sent_builds.id;
CREATE TABLE public.subscriptions (
    id bigint NOT NULL,
    team_id text NOT NULL,
    channel_id text NOT NULL,
    app_id text NOT NULL,
    app_name text NOT NULL,
    events text NOT NULL,
    query text NOT NULL,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    paused text,
    manner text DEFAULT ''::text NOT NULL,
    muted_until bigint
);
CREATE SEQUENCE public.subscriptions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.subscriptions_id_seq OWNED BY public.subscriptions.id;
CREATE TABLE public.tickets (
    hash text NOT NULL,
    team_id text NOT NULL,
    user_id text NOT NULL,
    app_id text NOT NULL,
    build_id text NOT NULL,
    kind text NOT NULL,
    file_id text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    claims_left integer NOT NULL,
    state text NOT NULL,
    origin text NOT NULL
);
CREATE TABLE public.unnudged (
    user_id text NOT NULL,
    since bigint NOT NULL
);
ALTER TABLE ONLY public.announcements ALTER COLUMN id SET DEFAULT nextval('public.announcements_id_seq'::regclass);
ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);
ALTER TABLE ONLY public.digests ALTER COLUMN id SET DEFAULT nextval('public.digests_id_seq'::regclass);
ALTER TABLE ONLY public.expiries ALTER COLUMN id SET DEFAULT nextval('public.expiries_id_seq'::regclass);
ALTER TABLE ONLY public.given_links ALTER COLUMN id SET DEFAULT nextval('public.given_links_id_seq'::regclass);
ALTER TABLE ONLY public.role_requests ALTER COLUMN id SET DEFAULT nextval('public.role_requests_id_seq'::regclass);
ALTER TABLE ONLY public.sent_builds ALTER COLUMN id SET DEFAULT nextval('public.sent_builds_id_seq'::regclass);
ALTER TABLE ONLY public.subscriptions ALTER COLUMN id SET DEFAULT nextval('public.subscriptions_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0007');
INSERT INTO public.announcements VALUES (3, 'C0S000003', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', 'processed', 'C0S000003:34d57678e2289306ba65c504:processed', 'held', false, 1796028193886171, NULL, NULL, NULL, NULL, 'held/2/1798620193', '{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"22:00-23:00","tz":"Europe/Madrid"}', '', 2, 1798620193811644, NULL);
INSERT INTO public.announcements VALUES (1, 'C0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', 'uploaded', 'C0S000001:34d57678e2289306ba65c504:uploaded', 'posted', false, 1796028193886171, 1796028193903534, '1796028193.915961', 1796028193936178, NULL, '34d57678e2289306ba65c504', '{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}', '', 1, NULL, NULL);
INSERT INTO public.announcements VALUES (2, 'C0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', 'processed', 'C0S000001:34d57678e2289306ba65c504:processed', 'posted', false, 1796028193886171, NULL, '1796028193.915961', 1796028193937036, NULL, '34d57678e2289306ba65c504', '{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}', '', 1, NULL, NULL);
INSERT INTO public.announcements VALUES (4, 'C0S000001', '794d8b7590c562e434cd55a8', '3d63b5e769bcc3740eaf9355', 'uploaded', 'C0S000001:3d63b5e769bcc3740eaf9355:uploaded', 'posted', false, 1796028194324622, 1796028194345227, '1796028194.348762', 1796028194357813, NULL, '3d63b5e769bcc3740eaf9355', '{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}', '', 1, NULL, NULL);
INSERT INTO public.announcements VALUES (5, 'C0S000004', '', 'welcome', 'welcome', 'C0S000004:welcome', 'posted', false, 1796028194669644, 1796028195088121, '1796028195.124729', 1796028195126042, NULL, 'welcome', '', '', NULL, NULL, NULL);
INSERT INTO public.app_channels VALUES ('decd0e5884cffd3897a20fa6', 'C0S000001', 'U0S000001', 1796028193978124);
INSERT INTO public.apps VALUES ('794d8b7590c562e434cd55a8', 1796028194631191, NULL, 0, false, true, 1796028192801000, 0, 1796028194585053);
INSERT INTO public.audit VALUES (1, 1796028193275303, 'T0SANDBOX', 'U0S000001', 'subscribe', 'on:uploaded,processed,failed', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', NULL, NULL);
INSERT INTO public.audit VALUES (2, 1796028193792222, 'T0SANDBOX', 'U0S000001', 'subscribe', 'on:processed,failed quiet:22:00-23:00 tz:Europe/Madrid', 'command', 'C0S000003', '794d8b7590c562e434cd55a8', NULL, NULL);
INSERT INTO public.audit VALUES (3, 1796028193811644, 'T0SANDBOX', 'U0S000001', 'mute', 'until 2026-12-30 08:43 UTC', 'command', 'C0S000003', '794d8b7590c562e434cd55a8', NULL, NULL);
INSERT INTO public.audit VALUES (4, 1796028193956271, 'T0SANDBOX', 'U0S000001', 'grant', 'releaser to U0S000002', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', NULL, NULL);
INSERT INTO public.audit VALUES (5, 1796028193968308, 'T0SANDBOX', 'U0S000001', 'grant', 'member to S0S000001', 'command', 'C0S000001', NULL, NULL, NULL);
INSERT INTO public.audit VALUES (6, 1796028193977250, 'T0SANDBOX', 'U0S000001', 'grant', 'channel C0S000001', 'command', 'C0S000001', 'decd0e5884cffd3897a20fa6', NULL, NULL);
INSERT INTO public.audit VALUES (7, 1796028193988140, 'T0SANDBOX', 'U0S000001', 'grant', 'manager channel C0S000003', 'command', 'C0S000001', NULL, NULL, NULL);
INSERT INTO public.audit VALUES (8, 1796028194074023, 'T0SANDBOX', 'U0S000003', 'ask', 'manager', 'button', 'C0S000001', NULL, NULL, NULL);
INSERT INTO public.audit VALUES (9, 1796028194127627, 'T0SANDBOX', 'U0S000002', 'get', 'ticket', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', '97b287b7ba3312ac69e86b234e528194549c0deead6a5f83c47263a1479f8cc0');
INSERT INTO public.audit VALUES (10, 1796028194134427, 'T0SANDBOX', 'U0S000001', 'send', 'to U0S000002', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', NULL);
INSERT INTO public.audit VALUES (11, 1796028194156416, 'T0SANDBOX', 'U0S000001', 'digest', 'daily@09:00 in C0S000003', 'command', 'C0S000003', '794d8b7590c562e434cd55a8', NULL, NULL);
INSERT INTO public.audit VALUES (12, 1796028194182538, 'T0SANDBOX', 'U0S000001', 'digest', 'monday@09:00 in C0S000001', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', NULL, NULL);
INSERT INTO public.audit VALUES (13, 1796028194223370, 'T0SANDBOX', 'U0S000001', 'nudge', '2 people', 'button', 'D0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', NULL);
INSERT INTO public.audit VALUES (14, 1796028194274307, 'T0SANDBOX', 'U0S000001', 'recall', 'crash on login', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', '18a0971e1f0db9742d361f4d', NULL);
INSERT INTO public.audit VALUES (15, 1796028194680578, 'T0SANDBOX', 'U0S000001', 'subscribe', 'on:processed,failed', 'command', 'C0S000004', '794d8b7590c562e434cd55a8', NULL, NULL);
INSERT INTO public.audit VALUES (16, 1796028195024989, 'T0SANDBOX', 'U0S000001', 'get', 'ticket', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', '6a59f6f94c9498d35bfd500557b51dabcb1e5c5de1362f74f370ad87f2dae663');
INSERT INTO public.audit VALUES (17, 1796028195653250, 'T0SANDBOX', 'U0S000002', 'get', 'minted', 'command', 'C0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', '4c83a9081061926e13e47d548d16a0d8e69ad11a516e080c2ecf512e7c754515');
INSERT INTO public.audit VALUES (18, 1796028195684209, 'T0SANDBOX', 'U0S000002', 'get', 'minted', 'button', 'C0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', '3da52f6a8d71a77ec2beb5ed34d467d8fd8c082d0c454fc94083fca07d2a7230');
INSERT INTO public.awaited VALUES ('3d63b5e769bcc3740eaf9355', 'U0S000002', 'T0SANDBOX', '794d8b7590c562e434cd55a8', 1796028194415599, false, '{"id":"3d63b5e769bcc3740eaf9355","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"running","status":"in_progress","version":"2.5.0","number":"180","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"180","url":"https://ci.acme.example/runs/180"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:43:14.297000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:43:14.297000Z","updated_at":"2026-11-30T08:43:14.297000Z","icon":null}');
INSERT INTO public.awaited VALUES ('3d63b5e769bcc3740eaf9355', 'U0S000001', 'T0SANDBOX', '794d8b7590c562e434cd55a8', 1796028194427540, false, '{"id":"3d63b5e769bcc3740eaf9355","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"running","status":"in_progress","version":"2.5.0","number":"180","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"180","url":"https://ci.acme.example/runs/180"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:43:14.297000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:43:14.297000Z","updated_at":"2026-11-30T08:43:14.297000Z","icon":null}');
INSERT INTO public.builds VALUES ('34d57678e2289306ba65c504', '794d8b7590c562e434cd55a8', 'ready', '{"id":"34d57678e2289306ba65c504","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"ready","status":"processed","version":"2.4.0","number":"173","platform":"ios","size":1572864,"tags":[],"changelog":"Faster sign-in","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"173","url":"https://ci.acme.example/runs/173"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:43:13.836000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:43:13.836000Z","updated_at":"2026-11-30T08:43:13.836000Z","icon":null}', false, 1796028193884651, '76db4bd1005e26bd');
INSERT INTO public.builds VALUES ('18a0971e1f0db9742d361f4d', '794d8b7590c562e434cd55a8', 'ready', '{"id":"18a0971e1f0db9742d361f4d","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"ready","status":"processed","version":"2.3.0","number":"163","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"163","url":"https://ci.acme.example/runs/163"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:43:12.802000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:43:12.802000Z","updated_at":"2026-11-30T08:43:12.802000Z","icon":null}', false, 1796028193770783, '64672ca0a6990129');
INSERT INTO public.builds VALUES ('3c1e8e70b8c7a9c876c65037', '794d8b7590c562e434cd55a8', 'ready', '{"id":"3c1e8e70b8c7a9c876c65037","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"ready","status":"processed","version":"1.0.0","number":"100","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"100","url":"https://ci.acme.example/runs/100"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:43:12.801000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:43:12.801000Z","updated_at":"2026-11-30T08:43:12.801000Z","icon":null}', false, 1796028193770783, '17de63ac47b3e6ef');
INSERT INTO public.builds VALUES ('3d63b5e769bcc3740eaf9355', '794d8b7590c562e434cd55a8', 'running', '{"id":"3d63b5e769bcc3740eaf9355","app":{"id":"794d8b7590c562e434cd55a8","slug":"courier","name":"Courier","platforms":["ios","android"]},"stage":"running","status":"in_progress","version":"2.5.0","number":"180","platform":"ios","size":1572864,"tags":[],"changelog":"","origin":{"name":"GitHub Actions","branch":"release/2.4","tag":null,"commit":null,"commit_message":null,"number":"180","url":"https://ci.acme.example/runs/180"},"uploader":"Build Robot","requirements":{"min_os":"15.0","signing":"enterprise","profile_expires_at":"2027-11-25T08:43:14.297000Z","all_devices":true},"attachments":[],"extension":"ipa","disabled":false,"error":null,"error_code":null,"waited":0.0,"worked":0.0,"created_at":"2026-11-30T08:43:14.297000Z","updated_at":"2026-11-30T08:43:14.297000Z","icon":null}', false, 1796028194323777, '15c563fb1bf252d4');
INSERT INTO public.channels VALUES ('C0S000003', false, 0, NULL, 0);
INSERT INTO public.channels VALUES ('C0S000001', false, 1796028194359876, NULL, 0);
INSERT INTO public.channels VALUES ('C0S000004', false, 1796028195126929, NULL, 0);
INSERT INTO public.digests VALUES (1, 'T0SANDBOX', 'C0S000003', '794d8b7590c562e434cd55a8', 'Courier', '', 'person', 'daily@09:00', 'Europe/Madrid', false, 'U0S000001', 1796028194168254, 1796028194168260, 1796112000000000, NULL, 0, NULL);
INSERT INTO public.digests VALUES (2, 'T0SANDBOX', 'C0S000001', '794d8b7590c562e434cd55a8', 'Courier', '', 'person', 'monday@09:00', 'Europe/Madrid', true, 'U0S000001', 1796028194187410, 1796028194187415, 1796630400000000, NULL, 0, NULL);
INSERT INTO public.expiries VALUES (1, 1796028495683000, 'D0S000002', '1796028195.699779', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', 'Courier 2.4.0 (173) iOS · release/2.4', '794d8b7590c562e434cd55a8/34d57678e2289306ba65c504/file', 'en');
INSERT INTO public.given_links VALUES (1, 'U0S000002', 1796028194123757);
INSERT INTO public.given_links VALUES (2, 'U0S000001', 1796028195005554);
INSERT INTO public.given_links VALUES (3, 'U0S000002', 1796028195652140);
INSERT INTO public.given_links VALUES (4, 'U0S000002', 1796028195682876);
INSERT INTO public.grants VALUES ('T0SANDBOX', 'U0S000002', '794d8b7590c562e434cd55a8', 'RELEASER', 'U0S000001', 1796028193957379);
INSERT INTO public.grants VALUES ('T0SANDBOX', 'S0S000001', '*', 'MEMBER', 'U0S000001', 1796028193968911);
INSERT INTO public.manager_channels VALUES ('C0S000003', 'U0S000001', 1796028193994114);
INSERT INTO public.notes VALUES ('choice:U0S000002:C0S000001', '794d8b7590c562e434cd55a8');
INSERT INTO public.notes VALUES ('choice:U0S000001:C0S000001', '794d8b7590c562e434cd55a8');
INSERT INTO public.nudges VALUES ('34d57678e2289306ba65c504', 'U0S000002', 'U0S000001', 1796028194255132);
INSERT INTO public.nudges VALUES ('34d57678e2289306ba65c504', 'U0S000005', 'U0S000001', 1796028194256005);
INSERT INTO public.progress VALUES ('3d63b5e769bcc3740eaf9355', 'U0S000001', '794d8b7590c562e434cd55a8', 'open', 1796028194427540, NULL, 'D0S000001', '1796028194.599061', 'Courier 2.5.0 (180) for iOS: ⚙️ being processed. I cannot say how long it takes: the iOS builds of Courier that are ready tell nothing of it.', true, false, 1796028194608018);
INSERT INTO public.recalls VALUES ('18a0971e1f0db9742d361f4d', '794d8b7590c562e434cd55a8', 'crash on login', 'U0S000001', 1796028194279660);
INSERT INTO public.recent VALUES ('U0S000003 C0S000001 1796028194.000968 ask.v1 manager/', 1796028194080775);
INSERT INTO public.recent VALUES ('U0S000001 D0S000001 1796028194.221137 nudge.v1 794d8b7590c562e434cd55a8 34d57678e2289306ba65c504 missing:"&lt;!subteam^S0S000001&gt;"', 1796028194223799);
INSERT INTO public.recent VALUES ('U0S000002 C0S000001 1796028195.664158 dm.v1 794d8b7590c562e434cd55a8/34d57678e2289306ba65c504/file', 1796028195676513);
INSERT INTO public.role_requests VALUES (1, 'T0SANDBOX', 'U0S000003', 'MANAGER', '*', 1796028194087763, NULL, NULL, NULL);
INSERT INTO public.seen_events VALUES ('EvLhvkFNwFM6', 1796028194617212);
INSERT INTO public.sent_builds VALUES (1, 'T0SANDBOX', 'U0S000001', 'U0S000002', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', 1796028194144641, NULL);
INSERT INTO public.subscriptions VALUES (1, 'T0SANDBOX', 'C0S000001', '794d8b7590c562e434cd55a8', 'Courier', 'uploaded processed failed', '', 'U0S000001', 1796028193769018, NULL, '{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}', NULL);
INSERT INTO public.subscriptions VALUES (2, 'T0SANDBOX', 'C0S000003', '794d8b7590c562e434cd55a8', 'Courier', 'processed failed', '', 'U0S000001', 1796028193807445, NULL, '{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"22:00-23:00","tz":"Europe/Madrid"}', 1798620193811644);
INSERT INTO public.subscriptions VALUES (3, 'T0SANDBOX', 'C0S000004', '794d8b7590c562e434cd55a8', 'Courier', 'processed failed', '', 'U0S000001', 1796028194859868, NULL, '{"compact":false,"threads":true,"grouped":false,"label":"","mention":"","digest":"","quiet":"","tz":"Europe/Madrid"}', NULL);
INSERT INTO public.tickets VALUES ('97b287b7ba3312ac69e86b234e528194549c0deead6a5f83c47263a1479f8cc0', 'T0SANDBOX', 'U0S000002', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', 'auto', '', 1796028194127110, 1796028794127110, 1, 'open', 'C0S000001');
INSERT INTO public.tickets VALUES ('6a59f6f94c9498d35bfd500557b51dabcb1e5c5de1362f74f370ad87f2dae663', 'T0SANDBOX', 'U0S000001', '794d8b7590c562e434cd55a8', '34d57678e2289306ba65c504', 'auto', '', 1796028195024562, 1796028795024562, 1, 'open', 'C0S000001');
INSERT INTO public.unnudged VALUES ('U0S000005', 1796028194267763);
SELECT pg_catalog.setval('public.announcements_id_seq', 5, true);
SELECT pg_catalog.setval('public.audit_id_seq', 18, true);
SELECT pg_catalog.setval('public.digests_id_seq', 2, true);
SELECT pg_catalog.setval('public.expiries_id_seq', 1, true);
SELECT pg_catalog.setval('public.given_links_id_seq', 4, true);
SELECT pg_catalog.setval('public.role_requests_id_seq', 1, true);
SELECT pg_catalog.setval('public.sent_builds_id_seq', 1, true);
SELECT pg_catalog.setval('public.subscriptions_id_seq', 3, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT pk_announcements PRIMARY KEY (id);
ALTER TABLE ONLY public.app_channels
    ADD CONSTRAINT pk_app_channels PRIMARY KEY (app_id, channel_id);
ALTER TABLE ONLY public.apps
    ADD CONSTRAINT pk_apps PRIMARY KEY (app_id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);
ALTER TABLE ONLY public.awaited
    ADD CONSTRAINT pk_awaited PRIMARY KEY (build_id, user_id);
ALTER TABLE ONLY public.builds
    ADD CONSTRAINT pk_builds PRIMARY KEY (build_id);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT pk_channels PRIMARY KEY (channel_id);
ALTER TABLE ONLY public.digests
    ADD CONSTRAINT pk_digests PRIMARY KEY (id);
ALTER TABLE ONLY public.expiries
    ADD CONSTRAINT pk_expiries PRIMARY KEY (id);
ALTER TABLE ONLY public.given_links
    ADD CONSTRAINT pk_given_links PRIMARY KEY (id);
ALTER TABLE ONLY public.grants
    ADD CONSTRAINT pk_grants PRIMARY KEY (team_id, grantee, app_id);
ALTER TABLE ONLY public.manager_channels
    ADD CONSTRAINT pk_manager_channels PRIMARY KEY (channel_id);
ALTER TABLE ONLY public.notes
    ADD CONSTRAINT pk_notes PRIMARY KEY (key);
ALTER TABLE ONLY public.nudges
    ADD CONSTRAINT pk_nudges PRIMARY KEY (build_id, user_id);
ALTER TABLE ONLY public.progress
    ADD CONSTRAINT pk_progress PRIMARY KEY (build_id, user_id);
ALTER TABLE ONLY public.recalls
    ADD CONSTRAINT pk_recalls PRIMARY KEY (build_id);
ALTER TABLE ONLY public.recent
    ADD CONSTRAINT pk_recent PRIMARY KEY (key);
ALTER TABLE ONLY public.role_requests
    ADD CONSTRAINT pk_role_requests PRIMARY KEY (id);
ALTER TABLE ONLY public.seen_events
    ADD CONSTRAINT pk_seen_events PRIMARY KEY (event_id);
ALTER TABLE ONLY public.sent_builds
    ADD CONSTRAINT pk_sent_builds PRIMARY KEY (id);
ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT pk_subscriptions PRIMARY KEY (id);
ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT pk_tickets PRIMARY KEY (hash);
ALTER TABLE ONLY public.unnudged
    ADD CONSTRAINT pk_unnudged PRIMARY KEY (user_id);
ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT uq_announcements_channel_id_build_id_event UNIQUE (channel_id, build_id, event);
ALTER TABLE ONLY public.digests
    ADD CONSTRAINT uq_digests_place_app_id_which_by_schedule UNIQUE (place, app_id, which, by, schedule);
ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT uq_subscriptions_channel_id_app_id UNIQUE (channel_id, app_id);
CREATE INDEX ix_announcements_build_id ON public.announcements USING btree (build_id);
CREATE INDEX ix_announcements_channel_id_card ON public.announcements USING btree (channel_id, card);
CREATE INDEX ix_announcements_held ON public.announcements USING btree (held_until) WHERE (state = 'held'::text);
CREATE INDEX ix_announcements_last_post ON public.announcements USING btree (channel_id, app_id, posted_at);
CREATE INDEX ix_announcements_standing ON public.announcements USING btree (channel_id, app_id) WHERE ((event = 'processed'::text) AND (superseded_by IS NULL));
CREATE INDEX ix_announcements_waiting ON public.announcements USING btree (channel_id, id) WHERE (state = ANY (ARRAY['due'::text, 'sending'::text]));
CREATE INDEX ix_apps_next_at ON public.apps USING btree (next_at);
CREATE INDEX ix_audit_app_id_at ON public.audit USING btree (app_id, at);
CREATE INDEX ix_audit_at ON public.audit USING btree (at);
CREATE INDEX ix_audit_user_id_at ON public.audit USING btree (user_id, at);
CREATE INDEX ix_awaited_app_id ON public.awaited USING btree (app_id);
CREATE INDEX ix_builds_app_id_stage ON public.builds USING btree (app_id, stage);
CREATE INDEX ix_channels_lease_token ON public.channels USING btree (lease_token);
CREATE INDEX ix_channels_waiting ON public.channels USING btree (next_at) WHERE waiting;
CREATE INDEX ix_digests_due_at ON public.digests USING btree (due_at);
CREATE INDEX ix_expiries_due_at ON public.expiries USING btree (due_at);
CREATE INDEX ix_given_links_user_id_at ON public.given_links USING btree (user_id, at);
CREATE INDEX ix_progress_due_at ON public.progress USING btree (due_at);
CREATE INDEX ix_recent_at ON public.recent USING btree (at);
CREATE INDEX ix_role_requests_user_id_asked_at ON public.role_requests USING btree (user_id, asked_at);
CREATE INDEX ix_seen_events_seen_at ON public.seen_events USING btree (seen_at);
CREATE INDEX ix_subscriptions_app_id ON public.subscriptions USING btree (app_id);
CREATE INDEX ix_tickets_build_id_user_id ON public.tickets USING btree (build_id, user_id);
CREATE INDEX ix_tickets_expires_at ON public.tickets USING btree (expires_at);
