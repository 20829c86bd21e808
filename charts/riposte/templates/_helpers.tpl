{{/* Names. 52 characters leave room for the longest suffix within the 63 of a label. */}}
{{- define "riposte.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "riposte.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "riposte.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "riposte.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "riposte.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* What selects a component's pods: never more, as selectors cannot be changed. */}}
{{- define "riposte.selector" -}}
app.kubernetes.io/name: {{ include "riposte.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "riposte.labels" -}}
{{ include "riposte.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: riposte
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Dict root, component, suffix (of the name), annotations. */}}
{{- define "riposte.metadata" -}}
name: {{ include "riposte.fullname" .root }}-{{ default .component .suffix }}
namespace: {{ include "riposte.namespace" .root }}
{{ include "riposte.metadata.cluster" . }}
{{- end -}}

{{/* The same for what lives in no namespace, without the name. */}}
{{- define "riposte.metadata.cluster" -}}
labels:
  {{- include "riposte.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (default dict .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Names of cluster-wide objects carry the namespace, so that two releases do not share one. */}}
{{- define "riposte.clusterName" -}}
{{ include "riposte.namespace" .root }}-{{ include "riposte.fullname" .root }}-{{ .suffix }}
{{- end -}}

{{/* Dict root, image (a map of registry, repository, tag, digest), tag (the default). */}}
{{- define "riposte.image" -}}
{{- $registry := default .image.registry .root.Values.global.imageRegistry -}}
{{- $name := .image.repository -}}
{{- if $registry -}}{{- $name = printf "%s/%s" $registry $name -}}{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .tag .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "riposte.product" -}}
image: {{ include "riposte.image" (dict "root" . "image" .Values.image "tag" .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end -}}

{{- define "riposte.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.imagePullSecrets | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "riposte.detector.account" -}}
{{- with .Values.detector.serviceAccount -}}
{{- default (ternary (printf "%s-detector" (include "riposte.fullname" $)) "default" .create) .name -}}
{{- end -}}
{{- end -}}

{{- define "riposte.responder.account" -}}
{{- with .Values.responder.serviceAccount -}}
{{- default (ternary (printf "%s-responder" (include "riposte.fullname" $)) "default" .create) .name -}}
{{- end -}}
{{- end -}}

{{- define "riposte.responder.host" -}}
{{ include "riposte.fullname" . }}-responder.{{ include "riposte.namespace" . }}.svc
{{- end -}}

{{/* namespace/name of the ConfigMap in which the responder tells detectors what to trust. */}}
{{- define "riposte.caConfigMap" -}}
{{ include "riposte.namespace" . }}/{{ include "riposte.fullname" . }}-ca
{{- end -}}

{{/* Everything that is wrong, at once. */}}
{{- define "riposte.validate" -}}
{{- $problems := list -}}
{{- $known := .Files.Get "files/actions.json" | fromJson -}}
{{- range .Values.actions.enabled -}}
{{- if not (hasKey $known .) -}}
{{- $problems = append $problems (printf "actions.enabled: there is no action %q; known: %s" . (keys $known | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- if not (has .Values.driver.kind (list "auto" "modern_ebpf")) -}}
{{- $problems = append $problems (printf "driver.kind: %q is not there; Riposte loads BPF programs and no kernel module: auto or modern_ebpf" .Values.driver.kind) -}}
{{- end -}}
{{- if and (gt (int .Values.responder.replicas) 1) (not .Values.postgresql.existingSecret) -}}
{{- $problems = append $problems "responder.replicas: SQLite is one responder's own; more than one needs postgresql.existingSecret" -}}
{{- end -}}
{{- if gt (int .Values.responder.replicas) 1 -}}
{{- $isKept := has (dig "evidence" "store" "local" .Values.responder.config) (list "s3" "none") -}}
{{- if and .Values.responder.persistence.enabled (not (include "riposte.responder.isShared" .)) -}}
{{- $problems = append $problems "responder.replicas: one volume for several pods needs ReadWriteMany in responder.persistence.accessModes; or responder.persistence.enabled=false and evidence in a bucket (responder.config.evidence)" -}}
{{- else if not (or .Values.responder.persistence.enabled $isKept) -}}
{{- $problems = append $problems "responder.replicas: evidence would lie about in several pods; name a bucket in responder.config.evidence, or a volume that all can write (responder.persistence, ReadWriteMany), or say store: none" -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.redis.enabled) (not .Values.externalRedis.url) (not .Values.externalRedis.existingSecret) -}}
{{- $problems = append $problems "redis.enabled is false: say by externalRedis.url or externalRedis.existingSecret which Redis to use" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.responder.apiToken.existingSecret) -}}
{{- $problems = append $problems "serviceMonitor.enabled: no page is open to everybody, so Prometheus needs responder.apiToken.existingSecret" -}}
{{- end -}}
{{- if and .Values.audit.enabled (not (and .Values.audit.tls.existingSecret .Values.audit.token.existingSecret)) -}}
{{- $problems = append $problems "audit.enabled: the API server posts by HTTPS and proves itself; name audit.tls.existingSecret and audit.token.existingSecret" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $problems = append $problems "httpRoute.enabled: name the gateways in httpRoute.parentRefs" -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}
