"""Quality and cost reports."""

from typing import Any

from rest_framework import serializers

from annotate.api.serializers.reports import EstimateOut, FigureOut, ReportOut


class GroupOut(serializers.Serializer[Any]):
    key = serializers.CharField(
        help_text="A category, a version of the guidelines (0: none), a day or a week's Monday."
    )
    labels = serializers.IntegerField()
    percent = EstimateOut()
    alpha = EstimateOut()


class PairOut(serializers.Serializer[Any]):
    annotator_1 = serializers.CharField()
    annotator_2 = serializers.CharField()
    tasks = serializers.IntegerField()
    labels = serializers.IntegerField()
    percent = EstimateOut()
    kappa = EstimateOut()


class TimeOut(serializers.Serializer[Any]):
    key = serializers.CharField()
    labels = serializers.IntegerField()
    percent = EstimateOut()


class AgainstOut(serializers.Serializer[Any]):
    annotator = serializers.CharField()
    labels = serializers.IntegerField()
    percent = EstimateOut()
    kappa = EstimateOut()
    time = TimeOut(many=True)


class MeasureOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    level = serializers.CharField(help_text="`nominal`, `ordinal`, `interval`, `order` or `distance` (texts).")
    compared = serializers.IntegerField(help_text="Tasks that it is made of: of texts a sample, as the page says.")
    percent = EstimateOut(help_text="Share of pairs of labels that say the same; of texts their likeness.")
    alpha = EstimateOut(help_text="Krippendorff's, of this level.")
    kappa = EstimateOut(help_text="Cohen's; quadratic weighted where values have an order; Kendall's tau-b of orders.")
    chance = serializers.FloatField(allow_null=True, help_text="What `percent` would be by chance.")
    category = GroupOut(many=True)
    guideline = GroupOut(many=True)
    period = serializers.CharField(help_text="What `time` is told by: `day` or `week`.")
    time = GroupOut(many=True)
    pairs = PairOut(many=True, help_text="The 200 that share most.")
    annotators = AgainstOut(many=True, help_text="Each of `people` with everybody who labelled the same.")


class AnnotatorOut(serializers.Serializer[Any]):
    annotator = serializers.CharField(help_text="A pseudonym.")
    labels = serializers.IntegerField()
    seconds = serializers.ListField(
        child=serializers.FloatField(), help_text="Quartiles of the active time of a label."
    )
    total_seconds = serializers.FloatField()
    gold = EstimateOut(help_text="Share of checks answered right.")
    attention = EstimateOut()
    same = EstimateOut(help_text="Share of repeated tasks answered as before.")
    alike = serializers.FloatField(allow_null=True)
    reviews = serializers.DictField(child=serializers.IntegerField(), help_text="Reviewed labels by verdict.")
    accepted = EstimateOut()
    rejected = EstimateOut()


class AgreedOut(serializers.Serializer[Any]):
    looked_at = serializers.IntegerField()
    texts = serializers.BooleanField(help_text="Whether it is of a sample: texts are dear to compare.")
    spread = serializers.DictField(child=serializers.IntegerField(), help_text="Tasks by how far labels agree.")
    split = serializers.ListField(child=serializers.DictField(), help_text="The tasks that agree least.")


class QualityOut(ReportOut):
    labels = serializers.IntegerField(
        allow_null=True, help_text="What each annotator said last, as before review; without checks."
    )
    tasks = serializers.IntegerField(allow_null=True)
    shared_tasks = serializers.IntegerField(allow_null=True, help_text="With labels of several people.")
    first = serializers.IntegerField(
        allow_null=True,
        help_text="Agreement is of so many labels of each task: further ones are asked for as people disagree.",
    )
    figures = FigureOut(many=True, allow_null=True, help_text="Of the first measure, as the page has them.")
    measures = MeasureOut(many=True, allow_null=True)
    annotators = serializers.IntegerField(allow_null=True, help_text="How many there are.")
    people = AnnotatorOut(many=True, allow_null=True, help_text="The 500 with most labels; the CSV has all.")
    agreed = AgreedOut(allow_null=True)


class AnnotatorQualityOut(ReportOut):
    annotator = serializers.CharField()
    figures = FigureOut(many=True)
    person = AnnotatorOut()
    measures = serializers.DictField(child=AgainstOut(), help_text="By measure, where there is enough to compare.")
    pairs = PairOut(many=True, help_text="With each of the others, of the first measure.")


class PaidDayOut(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="Of UTC.")
    labels = serializers.IntegerField()
    work = serializers.IntegerField(help_text="Those of them that are no checks: the forecast is made of their pace.")
    seconds = serializers.FloatField(help_text="Active time.")


class PaidOut(serializers.Serializer[Any]):
    annotator = serializers.CharField(help_text="A pseudonym.")
    labels = serializers.IntegerField()
    timed = serializers.IntegerField(help_text="Those of them that have their time.")
    seconds = serializers.FloatField()
    quartiles = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="null: too few labels."
    )
    last = serializers.DateField()


class ForecastOut(serializers.Serializer[Any]):
    places = serializers.IntegerField(help_text="Of work, that wait or are in hand.")
    expected = serializers.IntegerField(help_text="Further ones that adaptive overlap is expected to ask for.")
    pace = serializers.FloatField(required=False, help_text="Labels a day, lately, without checks.")
    days = EstimateOut(allow_null=True)
    why = serializers.CharField(help_text="Why there are no days: `done`, `no labels`, `idle` or `few days`.")


class CostOut(ReportOut):
    figures = FigureOut(many=True, allow_null=True)
    labels = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True, help_text="Active time of all labels.")
    rate = serializers.FloatField(allow_null=True, help_text="What an hour costs, by the queue's rules.")
    currency = serializers.CharField(allow_null=True)
    days = PaidDayOut(many=True, allow_null=True)
    annotators = serializers.IntegerField(allow_null=True, help_text="How many there are.")
    people = PaidOut(many=True, allow_null=True, help_text="The 500 with most labels; the CSV has all.")
    forecast = ForecastOut(allow_null=True)
