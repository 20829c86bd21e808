{{/* Folders of the sockets that are asked, each once, as a JSON list. */}}
{{- define "riposte.socketFolders" -}}
{{- $folders := list -}}
{{- if .Values.collectors.containerEngine.enabled -}}
{{- range $engine := .Values.collectors.containerEngine.engines -}}
{{- if $engine.enabled -}}
{{- range $engine.sockets -}}{{- $folders = append $folders (dir .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $folders | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* How a detector reaches the responder, as JSON. */}}
{{- define "riposte.detector.responder" -}}
{{- $responder := dict
  "url" (printf "https://%s:2810" (include "riposte.responder.host" .))
  "token_file" "/var/run/secrets/riposte/token" -}}
{{- if .Values.responder.tls.existingSecret -}}
{{- $_ := set $responder "ca_file" "/etc/riposte/ca/ca.crt" -}}
{{- else -}}
{{- $_ := set $responder "ca_config_map" (include "riposte.caConfigMap" .) -}}
{{- end -}}
{{- $responder | toJson -}}
{{- end -}}

{{/* The detector's falco.yaml; what `falco` says wins. */}}
{{- define "riposte.falco" -}}
{{- $engines := dict -}}
{{- range $name, $engine := .Values.collectors.containerEngine.engines -}}
{{- $sockets := list -}}
{{- range $engine.sockets -}}{{- $sockets = append $sockets (printf "/host%s" .) -}}{{- end -}}
{{- $isEnabled := and $.Values.collectors.containerEngine.enabled $engine.enabled -}}
{{- $_ := set $engines $name (dict "enabled" $isEnabled "sockets" $sockets) -}}
{{- end -}}
{{- $rules := list "/etc/riposte/rules.d" -}}
{{- if .Values.rules.shipped -}}{{- $rules = prepend $rules "/opt/riposte/rules" -}}{{- end -}}
{{- $riposte := dict
  "data" "/var/lib/riposte"
  "scope" .Values.detector.scope
  "cgroup_root" "/host/sys/fs/cgroup"
  "ready_file" "/run/riposte/ready"
  "status_socket" "/run/riposte/status.sock"
  "kubernetes" (dict "enabled" "always")
  "responder" (include "riposte.detector.responder" . | fromJson) -}}
{{- $config := dict "rules_files" $rules "json_output" true "container_engines" $engines "riposte" $riposte -}}
{{- mergeOverwrite $config (deepCopy .Values.falco) | toYaml -}}
{{- end -}}
