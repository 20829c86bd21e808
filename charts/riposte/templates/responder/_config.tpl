{{/* responder.yaml; what `responder.config` says wins. */}}
{{- define "riposte.responder.config" -}}
{{- $host := include "riposte.responder.host" . -}}
{{- $short := printf "%s-responder" (include "riposte.fullname" .) -}}
{{- $names := concat (list $host (printf "%s.cluster.local" $host) (printf "%s.%s" $short (include "riposte.namespace" .)) $short "localhost") .Values.responder.tls.names -}}
{{- $tls := dict "mode" "own" "names" $names "caConfigMap" (include "riposte.caConfigMap" .) -}}
{{- if .Values.responder.tls.existingSecret -}}
{{- $tls = dict "mode" "files" "names" $names "certificateFile" "/etc/riposte/tls/tls.crt" "keyFile" "/etc/riposte/tls/tls.key" -}}
{{- end -}}
{{- $public := "localhost:2810" -}}
{{- if .Values.httpRoute.enabled -}}{{- $public = first .Values.httpRoute.hostnames -}}{{- end -}}
{{- if .Values.ingress.enabled -}}{{- $public = .Values.ingress.host -}}{{- end -}}
{{- $account := printf "%s/%s" (include "riposte.namespace" .) (include "riposte.detector.account" .) -}}
{{- $nodes := dict "trust" "tokenreview" "audience" "riposte" "serviceAccounts" (list $account) -}}
{{- if .Values.audit.enabled -}}
{{- $_ := set $nodes "auditServiceAccounts" (list (printf "%s/%s" (include "riposte.namespace" .) (include "riposte.audit.account" .))) -}}
{{- end -}}
{{- $config := dict
  "data" "/var/lib/riposte"
  "listen" "0.0.0.0:2810"
  "publicUrl" (printf "https://%s" $public)
  "policies" "/etc/riposte/policies"
  "policyResources" .Values.policies.resources.enabled
  "actions" (dict "enabled" .Values.actions.enabled)
  "kubernetes" (dict "enabled" "always" "namespaces" .Values.responder.namespaces)
  "nodes" $nodes
  "tls" $tls -}}
{{- if and .Values.rbac.create .Values.rbac.accountPerClass -}}
{{- $_ := set $config.kubernetes "accounts" (printf "%s/%s" (include "riposte.namespace" .) (include "riposte.fullname" .)) -}}
{{- end -}}
{{- if .Values.redis.enabled -}}
{{- $_ := set $config "redisUrl" (printf "redis://%s-redis.%s.svc:6379" (include "riposte.fullname" .) (include "riposte.namespace" .)) -}}
{{- else if .Values.externalRedis.existingSecret -}}
{{- $_ := set $config "redisUrlFile" (printf "/etc/riposte/redis/%s" .Values.externalRedis.key) -}}
{{- else -}}
{{- $_ := set $config "redisUrl" .Values.externalRedis.url -}}
{{- end -}}
{{- if .Values.postgresql.existingSecret -}}
{{- $_ := set $config "ledgerUrlFile" (printf "/etc/riposte/postgresql/%s" .Values.postgresql.key) -}}
{{- end -}}
{{- if .Values.responder.apiToken.existingSecret -}}
{{- $_ := set $config "apiTokenFile" (printf "/etc/riposte/api-token/%s" .Values.responder.apiToken.key) -}}
{{- end -}}
{{- mergeOverwrite $config (deepCopy .Values.responder.config) | toYaml -}}
{{- end -}}

{{/* Secrets that are mounted as files below /etc/riposte, as JSON {folder: name}. */}}
{{- define "riposte.responder.secrets" -}}
{{- $secrets := dict -}}
{{- range $folder, $name := dict "tls" .Values.responder.tls.existingSecret "api-token" .Values.responder.apiToken.existingSecret "postgresql" .Values.postgresql.existingSecret -}}
{{- if $name -}}{{- $_ := set $secrets $folder $name -}}{{- end -}}
{{- end -}}
{{- if and (not .Values.redis.enabled) .Values.externalRedis.existingSecret -}}
{{- $_ := set $secrets "redis" .Values.externalRedis.existingSecret -}}
{{- end -}}
{{- range $folder, $name := .Values.responder.secrets -}}
{{- $_ := set $secrets (printf "secrets/%s" $folder) $name -}}
{{- end -}}
{{- $secrets | toJson -}}
{{- end -}}

{{/* Name of the claim; empty: there is none. */}}
{{- define "riposte.responder.claim" -}}
{{- with .Values.responder.persistence -}}
{{- if .enabled -}}{{- default (printf "%s-responder" (include "riposte.fullname" $)) .existingClaim -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether several pods may mount it; of a claim of yours you know that yourself. Empty: no. */}}
{{- define "riposte.responder.isShared" -}}
{{- with .Values.responder.persistence -}}
{{- if or .existingClaim (has "ReadWriteMany" .accessModes) -}}true{{- end -}}
{{- end -}}
{{- end -}}
