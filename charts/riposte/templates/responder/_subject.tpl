{{- define "riposte.responder.subject" -}}
- kind: ServiceAccount
  name: {{ include "riposte.responder.account" . }}
  namespace: {{ include "riposte.namespace" . }}
{{- end -}}

{{/* Dict root, risk: whom steps of that class act as. */}}
{{- define "riposte.class.subject" -}}
{{- if .root.Values.rbac.accountPerClass -}}
- kind: ServiceAccount
  name: {{ include "riposte.fullname" .root }}-{{ .risk }}
  namespace: {{ include "riposte.namespace" .root }}
{{- else -}}
{{- include "riposte.responder.subject" .root -}}
{{- end -}}
{{- end -}}
