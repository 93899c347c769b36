{{- /* The groups of the rules, with the links that are wanted. A file and no template: what stands in double braces in it is for Prometheus. */}}
{{- define "mailpath-exporter.ruleGroups" -}}
{{- $text := .Files.Get "rules/mailpath.rules.yml" }}
{{- with .Values.prometheusRule }}
{{- $text = $text | replace "https://grafana.example.com" (trimSuffix "/" .grafanaUrl) }}
{{- $text = $text | replace "https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks" (trimSuffix "/" .runbookUrl) }}
{{- end }}
{{- $groups := ($text | fromYaml).groups }}
{{- include "mailpath-exporter.checkAlerts" (dict "groups" $groups "alerts" (default dict .Values.alerts)) }}
{{- toYaml $groups }}
{{- end }}

{{- /* A rule with the labels that are wanted, as a list of one. Of labels with one name the first counts. */}}
{{- define "mailpath-exporter.rule" -}}
{{- $rule := deepCopy .rule }}
{{- if $rule.alert }}
{{- $own := get (default dict .alerts.labels) $rule.alert | default dict }}
{{- $_ := set $rule "labels" (merge dict $own (default dict .alerts.additionalLabels) $rule.labels) }}
{{- end }}
{{- list $rule | toYaml }}
{{- end }}

{{- /* A name that is mistyped would change nothing. */}}
{{- define "mailpath-exporter.checkAlerts" -}}
{{- $names := list }}
{{- range .groups }}{{ range .rules }}{{ with .alert }}{{ $names = append $names . }}{{ end }}{{ end }}{{ end }}
{{- range concat (default list .alerts.drop) (keys (default dict .alerts.labels)) }}
{{- if not (has . $names) }}
{{- fail (printf "`alerts` names %s, and there is no such alert. The names are in docs/runbooks." .) }}
{{- end }}
{{- end }}
{{- end }}
