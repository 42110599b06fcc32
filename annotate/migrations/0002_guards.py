"""What a constraint can't say: labels are for ever, name what was shown, and tasks keep to their places.

Also the storage settings of the table that every claim and submit updates.
"""

from django.db import migrations

LABELS_ARE_FOR_EVER = """
CREATE FUNCTION annotate_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a label is never edited or deleted: add one that supersedes it'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER annotate_label_for_ever BEFORE UPDATE OR DELETE ON annotate_label
    FOR EACH ROW EXECUTE FUNCTION annotate_refuse_change();
"""

LABELS_NAME_WHAT_WAS_SHOWN = """
CREATE FUNCTION annotate_label_shows_its_task() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted bigint[];
BEGIN
    SELECT response_ids INTO wanted FROM annotate_task WHERE id = NEW.task_id AND queue_id = NEW.queue_id;
    IF NOT (wanted @> NEW.shown AND NEW.shown @> wanted AND cardinality(wanted) = cardinality(NEW.shown)) THEN
        RAISE EXCEPTION 'a label shows exactly the responses of its task'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER annotate_label_shown BEFORE INSERT ON annotate_label
    FOR EACH ROW EXECUTE FUNCTION annotate_label_shows_its_task();
"""

TASKS_KEEP_TO_THEIR_PLACES = """
CREATE FUNCTION annotate_places_are_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT task_id, queue_id FROM added) n
        JOIN annotate_task t ON t.id = n.task_id
        WHERE n.queue_id <> t.queue_id
           OR (SELECT count(*) FROM annotate_assignment a WHERE a.task_id = t.id) > t.places
    ) THEN
        RAISE EXCEPTION 'a task has no more assignments than places, all in its own queue'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER annotate_assignment_places AFTER INSERT ON annotate_assignment
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION annotate_places_are_counted();
"""

# Rows change state twice in their life: leave room in the page, and clear the dead soon.
STORAGE = """
ALTER TABLE annotate_assignment SET (
    fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
ALTER TABLE annotate_seat SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
"""

BACK = """
DROP TRIGGER annotate_label_for_ever ON annotate_label;
DROP FUNCTION annotate_refuse_change();
DROP TRIGGER annotate_label_shown ON annotate_label;
DROP FUNCTION annotate_label_shows_its_task();
DROP TRIGGER annotate_assignment_places ON annotate_assignment;
DROP FUNCTION annotate_places_are_counted();
ALTER TABLE annotate_assignment RESET (
    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay
);
ALTER TABLE annotate_seat RESET (fillfactor, autovacuum_vacuum_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies = [("annotate", "0001_initial")]
    operations = [
        migrations.RunSQL([LABELS_ARE_FOR_EVER, LABELS_NAME_WHAT_WAS_SHOWN, TASKS_KEEP_TO_THEIR_PLACES, STORAGE], BACK)
    ]
