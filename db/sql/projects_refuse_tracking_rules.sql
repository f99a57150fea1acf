-- Refuses settings of a project whose tracking rules could not be followed, with one sentence that says what to write.
CREATE OR REPLACE FUNCTION tracking_rules_fault(rules jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    place text;
    pattern text;
    part record;
BEGIN
    IF jsonb_typeof(rules) <> 'object' THEN
        RETURN 'tracking has to be an object with coverage, security and quality';
    END IF;
    SELECT 'tracking.' || key || ' is not known: tracking has coverage, security and quality' INTO place
    FROM jsonb_object_keys(rules) key WHERE key NOT IN ('coverage', 'security', 'quality') LIMIT 1;
    IF place IS NOT NULL THEN RETURN place; END IF;

    IF rules ? 'coverage' AND jsonb_typeof(rules -> 'coverage') <> 'array' THEN
        RETURN 'tracking.coverage has to be a list of {"check": ..., "percentage": ...}';
    END IF;
    FOR part IN SELECT value, ordinality - 1 AS at
                FROM jsonb_array_elements(coalesce(rules -> 'coverage', '[]')) WITH ORDINALITY LOOP
        place := 'tracking.coverage[' || part.at || ']';
        IF jsonb_typeof(part.value) <> 'object' OR jsonb_typeof(part.value -> 'check') IS DISTINCT FROM 'string'
            OR jsonb_typeof(part.value -> 'percentage') IS DISTINCT FROM 'string'
            OR part.value - 'check' - 'percentage' <> '{}' THEN
            RETURN place || ' has to be {"check": a regular expression for names of checks, '
                || '"percentage": one that captures the number}';
        END IF;
        IF part.value ->> 'percentage' !~ '(^|[^\\])\((?!\?)' THEN
            RETURN place || '.percentage has to capture the number in parentheses, as (\d+)% does';
        END IF;
    END LOOP;

    IF rules ? 'security' AND (jsonb_typeof(rules -> 'security') <> 'object'
                               OR (rules -> 'security') - 'checks' - 'alerts' <> '{}') THEN
        RETURN 'tracking.security has to be an object with checks and alerts';
    END IF;
    IF rules #> '{security,checks}' IS NOT NULL AND NOT jsonb_path_match(
        rules #> '{security,checks}', 'strict $.type() == "array" && !exists($[*] ? (@.type() != "string"))') THEN
        RETURN 'tracking.security.checks has to be a list of regular expressions for names of checks and Apps';
    END IF;
    IF rules #> '{security,alerts}' IS NOT NULL THEN
        IF jsonb_typeof(rules #> '{security,alerts}') <> 'object' THEN
            RETURN 'tracking.security.alerts has to be an object with code_scanning, dependabot and secret_scanning';
        END IF;
        FOR part IN SELECT key, value FROM jsonb_each(rules #> '{security,alerts}') LOOP
            IF part.key NOT IN ('code_scanning', 'dependabot', 'secret_scanning') THEN
                RETURN 'tracking.security.alerts.' || part.key
                    || ' is not known: there are code_scanning, dependabot and secret_scanning';
            END IF;
            IF NOT jsonb_path_match(
                part.value, 'strict $.type() == "array" && !exists($[*] ? (@.type() != "string"))') THEN
                RETURN 'tracking.security.alerts.' || part.key
                    || ' has to be a list of severities, such as ["critical", "high"], or ["*"] for all';
            END IF;
        END LOOP;
    END IF;

    IF rules ? 'quality' AND (jsonb_typeof(rules -> 'quality') <> 'object'
                              OR (rules -> 'quality') - 'weights' - 'size' <> '{}') THEN
        RETURN 'tracking.quality has to be an object with weights and size';
    END IF;
    IF rules #> '{quality,weights}' IS NOT NULL THEN
        IF jsonb_typeof(rules #> '{quality,weights}') <> 'object' THEN
            RETURN 'tracking.quality.weights has to be an object with ci, review, security, coverage and size';
        END IF;
        FOR part IN SELECT key, value FROM jsonb_each(rules #> '{quality,weights}') LOOP
            IF part.key NOT IN ('ci', 'review', 'security', 'coverage', 'size') THEN
                RETURN 'tracking.quality.weights.' || part.key
                    || ' is not known: there are ci, review, security, coverage and size';
            END IF;
            IF jsonb_typeof(part.value) <> 'number' OR part.value < '0' THEN
                RETURN 'tracking.quality.weights.' || part.key || ' has to be a number, 0 or more';
            END IF;
        END LOOP;
    END IF;
    IF rules #> '{quality,size}' IS NOT NULL THEN
        IF jsonb_typeof(rules #> '{quality,size}') <> 'object'
            OR (rules #> '{quality,size}') - 'small' - 'large' <> '{}'
            OR EXISTS (SELECT FROM jsonb_each(rules #> '{quality,size}') WHERE jsonb_typeof(value) <> 'number')
        THEN
            RETURN 'tracking.quality.size has to be {"small": lines, "large": lines}';
        END IF;
        IF (tracking_rules(jsonb_build_object('tracking', rules)) #>> '{quality,size,small}')::numeric < 0
            OR (tracking_rules(jsonb_build_object('tracking', rules)) #>> '{quality,size,small}')::numeric
                >= (tracking_rules(jsonb_build_object('tracking', rules)) #>> '{quality,size,large}')::numeric THEN
            RETURN 'tracking.quality.size.small has to be 0 or more, and less than large';
        END IF;
    END IF;

    FOR place, pattern IN
        SELECT 'tracking.coverage[' || (ordinality - 1) || '].' || rule.key, rule.value
        FROM jsonb_array_elements(coalesce(rules -> 'coverage', '[]')) WITH ORDINALITY AS listed,
             jsonb_each_text(listed.value) AS rule
        UNION ALL
        SELECT 'tracking.security.checks[' || (ordinality - 1) || ']', value
        FROM jsonb_array_elements_text(coalesce(rules #> '{security,checks}', '[]')) WITH ORDINALITY
    LOOP
        BEGIN
            PERFORM '' ~* pattern;
        EXCEPTION WHEN invalid_regular_expression THEN
            RETURN place || ' is no regular expression that PostgreSQL understands: ' || SQLERRM;
        END;
    END LOOP;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION tracking_rules_fault(jsonb) IS
    'What is wrong with the tracking rules in a project''s settings, as a sentence; null if nothing is';

CREATE OR REPLACE FUNCTION projects_refuse_tracking_rules() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fault text := tracking_rules_fault(NEW.settings -> 'tracking');
BEGIN
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'projects.settings: %.', fault USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION projects_refuse_tracking_rules() IS
    'Trigger: refuses settings of a project whose tracking rules could not be followed';

CREATE OR REPLACE TRIGGER projects_refuse_tracking_rules
    BEFORE INSERT OR UPDATE OF settings ON projects
    FOR EACH ROW WHEN (NEW.settings ? 'tracking')
    EXECUTE FUNCTION projects_refuse_tracking_rules();
