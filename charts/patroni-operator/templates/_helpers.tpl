{{- define "patroni-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "patroni-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Labels that never change in the life of a release: selectors are immutable. */}}
{{- define "patroni-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "patroni-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "patroni-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "patroni-operator.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Name of the webhook's Service; its Secret adds `-tls`. */}}
{{- define "patroni-operator.webhookName" -}}
{{ include "patroni-operator.fullname" . | trunc 50 | trimSuffix "-" }}-webhook
{{- end }}

{{/* ValidatingWebhookConfigurations belong to no namespace, so two releases of one name must not share it. */}}
{{- define "patroni-operator.webhookConfiguration" -}}
{{ printf "%s.%s" (include "patroni-operator.fullname" .) .Release.Namespace }}
{{- end }}

{{- define "patroni-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "patroni-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "patroni-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{/* A map as `key=value,key=value`, in the order of the keys. */}}
{{- define "patroni-operator.pairs" -}}
{{- $pairs := list }}
{{- range $key := keys . | sortAlpha }}
{{- $pairs = append $pairs (printf "%s=%s" $key (get $ $key)) }}
{{- end }}
{{- join "," $pairs }}
{{- end }}

{{/* 75 % of the memory limit in MiB, for the old generation of V8; nothing without a limit. The rest is for buffers, code and stacks. */}}
{{- define "patroni-operator.maxOldSpaceMiB" -}}
{{- $limit := toString (dig "limits" "memory" "" .Values.resources) }}
{{- $units := dict "Ki" (divf 1.0 1024.0) "Mi" 1.0 "Gi" 1024.0 "k" (divf 1000.0 1048576.0) "M" (divf 1000000.0 1048576.0) "G" (divf 1000000000.0 1048576.0) }}
{{- if regexMatch "^[0-9.]+(Ki|Mi|Gi|k|M|G)$" $limit }}
{{- $unit := regexFind "[a-zA-Z]+$" $limit }}
{{- $amount := regexFind "^[0-9.]+" $limit | float64 }}
{{- mulf $amount (get $units $unit) 0.75 | floor | int }}
{{- else if regexMatch "^[0-9]+$" $limit }}
{{- divf (float64 $limit) 1048576.0 | mulf 0.75 | floor | int }}
{{- end }}
{{- end }}

{{/*
What the operator may do with the objects of a cluster, in every namespace it watches. Server-side apply needs create and patch together; nothing is
updated as a whole. Get comes with list, which shows the same. test/chart/rbac.test.ts holds this list against the calls the operator makes.
*/}}
{{- define "patroni-operator.rules" -}}
- apiGroups: [patroni-operator.dev]
  resources: [patroniclusters]
  verbs: [get, list, watch, patch]
- apiGroups: [patroni-operator.dev]
  resources: [patroniclusters/status, patronioperations/status]
  verbs: [patch]
# Owner references with blockOwnerDeletion are refused without it where OwnerReferencesPermissionEnforcement is on (OpenShift).
- apiGroups: [patroni-operator.dev]
  resources: [patroniclusters/finalizers]
  verbs: [update]
- apiGroups: [patroni-operator.dev]
  resources: [patronioperations]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [""]
  resources: [services, configmaps, secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
{{ include "patroni-operator.eventRules" . }}
{{- end }}

{{- define "patroni-operator.eventRules" -}}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
