-- The month that a GUID was made in, as its first day; 1970-01-01 where it tells no time. The inbox is partitioned by it.
-- Version-1 UUIDs count 100 ns since the Gregorian calendar began: RFC 9562, section 5.1.
CREATE OR REPLACE FUNCTION delivery_month(guid text) RETURNS date
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN guid ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-1[0-9A-Fa-f]{3}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$'
    THEN date_trunc('month', '1582-10-15'::timestamp + interval '1 second' *
         (('x' || substr(guid, 16, 3) || substr(guid, 10, 4) || substr(guid, 1, 8))::bit(60)::bigint / 1e7)::float8)::date
    ELSE '1970-01-01'::date
END;

COMMENT ON FUNCTION delivery_month(text) IS
    'The first day of the month that a delivery''s GUID was made in, 1970-01-01 where it tells no time';
