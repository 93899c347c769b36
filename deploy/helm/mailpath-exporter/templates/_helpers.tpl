{{- define "mailpath-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "mailpath-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "mailpath-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "mailpath-exporter.image" -}}
{{- $registry := default .Values.image.registry (.Values.global).imageRegistry }}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .Values.image.repository }}
{{- with .Values.image.digest }}@{{ . }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end }}
{{- end }}

{{- define "mailpath-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mailpath-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mailpath-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "mailpath-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "mailpath-exporter.serviceAccountName" -}}
{{- $default := ternary (include "mailpath-exporter.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $default .Values.serviceAccount.name }}
{{- end }}

{{- define "mailpath-exporter.configMapName" -}}
{{- default (include "mailpath-exporter.fullname" .) (tpl (default "" .Values.existingConfigMap) .) }}
{{- end }}

{{- define "mailpath-exporter.claimName" -}}
{{- default (include "mailpath-exporter.fullname" .) (tpl (default "" .Values.persistence.existingClaim) .) }}
{{- end }}

{{- /* mailpath.yml */}}
{{- define "mailpath-exporter.config" -}}
{{- tpl (toYaml .Values.config) . }}
{{- end }}

{{- /* What every path begins with, as the exporter finds it: the route prefix, or the path of the external URL. Empty for /. */}}
{{- define "mailpath-exporter.prefix" -}}
{{- with default (include "mailpath-exporter.externalPath" .) (.Values.web).routePrefix | trimAll "/" }}/{{ . }}{{ end }}
{{- end }}

{{- define "mailpath-exporter.externalPath" -}}
{{- (urlParse (tpl (default "" (.Values.web).externalUrl) .)).path | trimSuffix "/" }}
{{- end }}

{{- /* The path by which browsers ask: another one than the prefix if something in between takes it off. */}}
{{- define "mailpath-exporter.path" -}}
{{- ternary (include "mailpath-exporter.externalPath" .) (include "mailpath-exporter.prefix" .) (not (empty (.Values.web).externalUrl)) | default "/" }}
{{- end }}

{{- /* The names by which browsers ask, as a list in JSON. */}}
{{- define "mailpath-exporter.hosts" -}}
{{- $hosts := list }}
{{- with .Values.ingress }}{{ if .enabled }}{{ $hosts = .hosts }}{{ end }}{{ end }}
{{- with .Values.httpRoute }}{{ if .enabled }}{{ $hosts = concat $hosts .hostnames }}{{ end }}{{ end }}
{{- tpl (toJson (uniq $hosts)) . }}
{{- end }}

{{- /* The entries of rbac.secrets, each once: `namespace/name`. */}}
{{- define "mailpath-exporter.granted" -}}
{{- $all := list }}
{{- range (.Values.rbac).secrets }}
{{- $namespace := default (include "mailpath-exporter.namespace" $) .namespace }}
{{- $all = append $all (tpl (printf "%s/%s" $namespace .name) $) }}
{{- end }}
{{- uniq $all | toJson }}
{{- end }}

{{- /* The Secrets below a value of the configuration, as `namespace/name`, each with a line break behind it. */}}
{{- define "mailpath-exporter.secretsIn" -}}
{{- $own := .own }}
{{- if kindIs "map" .value }}
{{- range $key, $value := .value }}
{{- if and (eq $key "kubernetes") (kindIs "map" $value) (hasKey (default dict $value) "secret") }}
{{- printf "%s/%s\n" (default $own $value.namespace) $value.secret }}
{{- else }}
{{- include "mailpath-exporter.secretsIn" (dict "value" $value "own" $own) }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" .value }}
{{- range .value }}
{{- include "mailpath-exporter.secretsIn" (dict "value" . "own" $own) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The Secrets that the configuration refers to and rbac.secrets does not grant. Those by a kubeconfig or token of its own are not asked for. */}}
{{- define "mailpath-exporter.notGranted" -}}
{{- $missing := list }}
{{- $config := include "mailpath-exporter.config" . | fromYaml }}
{{- $access := default dict $config.kubernetes }}
{{- if not (or .Values.existingConfigMap $access.kubeconfig $access.token) }}
{{- $granted := include "mailpath-exporter.granted" . | fromJsonArray }}
{{- range splitList "\n" (include "mailpath-exporter.secretsIn" (dict "value" $config "own" (include "mailpath-exporter.namespace" .))) }}
{{- if and . (not (has . $granted)) }}
{{- $missing = append $missing . }}
{{- end }}
{{- end }}
{{- end }}
{{- uniq $missing | toJson }}
{{- end }}

{{- define "mailpath-exporter.mountsToken" -}}
{{- or (.Values.serviceAccount).automountToken (gt (len (include "mailpath-exporter.granted" . | fromJsonArray)) 0) }}
{{- end }}

{{- /* What would be installed and could never work. */}}
{{- define "mailpath-exporter.check" -}}
{{- $granted := include "mailpath-exporter.granted" . | fromJsonArray }}
{{- $account := default dict .Values.serviceAccount }}
{{- if and (.Values.ingress).enabled (not .Values.ingress.hosts) }}
{{- fail "Name a host in ingress.hosts: without one the status page would be there under every name." }}
{{- end }}
{{- if and (.Values.httpRoute).enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "Name a gateway in httpRoute.parentRefs: without one nothing leads to the route." }}
{{- end }}
{{- if and (.Values.persistence).enabled (gt (int .Values.replicas) 1) }}
{{- fail "persistence.enabled needs replicas: 1, since each replica has to remember for itself." }}
{{- end }}
{{- if and $granted (not $account.create) (not $account.name) }}
{{- fail "Set serviceAccount.name: with serviceAccount.create=false, rbac.secrets would let `default` read the Secrets, and with it every pod of the namespace." }}
{{- end }}
{{- $missing := include "mailpath-exporter.notGranted" . | fromJsonArray }}
{{- if ne (include "mailpath-exporter.mountsToken" .) "true" }}
{{- /* A volume of one's own may have it. */}}
{{- if not .Values.extraVolumes }}
{{- if $missing }}
{{- fail (printf "`config` reads from Kubernetes, and the exporter may not: give rbac.secrets the Secrets %s, or set serviceAccount.automountToken and bind a role yourself." (join ", " $missing)) }}
{{- end }}
{{- if not .Values.existingConfigMap }}
{{- range (include "mailpath-exporter.config" . | fromYaml).vault }}
{{- if and .kubernetes (not .kubernetes.jwt_file) }}
{{- fail (printf "The Vault %s is logged in to by Kubernetes, and the token of the service account is not mounted: set serviceAccount.automountToken." .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mailpath-exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "mailpath-exporter.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mailpath-exporter.scheme" -}}
{{- dig "httpGet" "scheme" "HTTP" (default dict .Values.readinessProbe) | lower }}
{{- end }}

{{- /* The exporter, as a pod of the cluster reaches it. */}}
{{- define "mailpath-exporter.url" -}}
{{ include "mailpath-exporter.scheme" . }}://{{ include "mailpath-exporter.fullname" . }}.{{ include "mailpath-exporter.namespace" . }}.svc:{{ .Values.service.port }}{{ include "mailpath-exporter.prefix" . }}
{{- end }}
