{{- define "riposte.audit.account" -}}
{{ include "riposte.fullname" . }}-audit
{{- end -}}

{{/* The falco.yaml of the detector of Kubernetes audit. */}}
{{- define "riposte.audit.config" -}}
{{- $rules := list "/etc/riposte/rules.d" -}}
{{- if .Values.rules.shipped -}}{{- $rules = prepend $rules "/opt/riposte/rules" -}}{{- end -}}
{{- $plugin := dict
  "name" "k8saudit"
  "open_params" "https://:9765/k8s-audit"
  "init_config" (dict "sslCertificate" "/etc/riposte/audit-tls/tls.crt") -}}
{{- $door := dict "key_file" "/etc/riposte/audit-tls/tls.key" "token_file" (printf "/etc/riposte/audit-token/%s" .Values.audit.token.key) -}}
{{- $riposte := dict
  "data" "/var/lib/riposte"
  "ready_file" "/run/riposte/ready"
  "disable_sources" (list "syscall")
  "responder" (include "riposte.detector.responder" . | fromJson)
  "k8s_audit" $door -}}
{{- $config := dict "rules_files" $rules "json_output" true "plugins" (list $plugin) "load_plugins" (list "k8saudit") "riposte" $riposte -}}
{{- mergeOverwrite $config (deepCopy .Values.audit.falco) | toYaml -}}
{{- end -}}
