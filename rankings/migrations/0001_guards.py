"""A ranking names exactly the responses its label shows; a comparison names one of them, or none."""

from django.db import migrations

GUARD = """
CREATE FUNCTION rankings_names(shown bigint[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(chr(96 + n) ORDER BY n), '{}') FROM generate_series(1, cardinality(shown)) AS n
$$;
CREATE FUNCTION rankings_named(payload jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM (
        SELECT jsonb_object_keys(payload -> 'ranks') AS name
        UNION ALL SELECT jsonb_array_elements_text(coalesce(payload -> 'unusable', '[]'))
    ) AS names
$$;
ALTER TABLE annotate_label ADD CONSTRAINT ranking_names_exactly_what_was_shown
    CHECK (NOT payload ? 'ranks' OR rankings_named(payload) = rankings_names(shown));
ALTER TABLE annotate_label ADD CONSTRAINT comparison_names_what_was_shown
    CHECK (NOT payload ? 'winner' OR payload ->> 'winner' = ANY (rankings_names(shown) || '{tie,both_bad}'));
"""

BACK = """
ALTER TABLE annotate_label DROP CONSTRAINT ranking_names_exactly_what_was_shown;
ALTER TABLE annotate_label DROP CONSTRAINT comparison_names_what_was_shown;
DROP FUNCTION rankings_named(jsonb);
DROP FUNCTION rankings_names(bigint[]);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("annotate", "0002_guards")]
    operations = [migrations.RunSQL(GUARD, BACK)]
