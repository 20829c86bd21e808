{{- define "riposte.responder.subject" -}}
- kind: ServiceAccount
  name: {{ include "riposte.responder.account" . }}
  namespace: {{ include "riposte.namespace" . }}
{{- end -}}
