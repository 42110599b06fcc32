"""What is said of responses by themselves names those that its label shows: verdicts all of them, scores some."""

from django.db import migrations

GUARD = """
CREATE FUNCTION rankings_keys(part jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM jsonb_object_keys(part) AS name
$$;
ALTER TABLE annotate_label ADD CONSTRAINT scores_name_what_was_shown
    CHECK (NOT payload ? 'scores' OR rankings_keys(payload -> 'scores') <@ rankings_names(shown));
ALTER TABLE annotate_label ADD CONSTRAINT flags_name_what_was_shown
    CHECK (NOT payload ? 'flags' OR rankings_keys(payload -> 'flags') <@ rankings_names(shown));
ALTER TABLE annotate_label ADD CONSTRAINT thumbs_name_exactly_what_was_shown
    CHECK (NOT payload ? 'thumbs' OR rankings_keys(payload -> 'thumbs') = rankings_names(shown));
ALTER TABLE annotate_label ADD CONSTRAINT verdicts_name_exactly_what_was_shown
    CHECK (NOT payload ? 'verdicts' OR rankings_keys(payload -> 'verdicts') = rankings_names(shown));
ALTER TABLE annotate_label ADD CONSTRAINT steps_are_judged
    CHECK (NOT payload ? 'steps' OR jsonb_array_length(payload -> 'steps') > 0);
"""

BACK = """
ALTER TABLE annotate_label DROP CONSTRAINT scores_name_what_was_shown;
ALTER TABLE annotate_label DROP CONSTRAINT flags_name_what_was_shown;
ALTER TABLE annotate_label DROP CONSTRAINT thumbs_name_exactly_what_was_shown;
ALTER TABLE annotate_label DROP CONSTRAINT verdicts_name_exactly_what_was_shown;
ALTER TABLE annotate_label DROP CONSTRAINT steps_are_judged;
DROP FUNCTION rankings_keys(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("rankings", "0001_guards")]
    operations = [migrations.RunSQL(GUARD, BACK)]
