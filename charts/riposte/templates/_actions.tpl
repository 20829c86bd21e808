{{/* What the enabled actions need: files/actions.json is printed from their records. */}}

{{/* Capabilities of the detector, as a JSON list. */}}
{{- define "riposte.capabilities" -}}
{{- $known := .Files.Get "files/actions.json" | fromJson -}}
{{- $all := list "BPF" "PERFMON" "SYS_PTRACE" -}}
{{- range .Values.actions.enabled -}}
{{- with get $known . -}}{{- $all = concat $all .capabilities -}}{{- end -}}
{{- end -}}
{{- concat $all .Values.detector.extraCapabilities | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/*
Rules by risk class and reach, as JSON {risk: {cluster: [rule…], namespaced: [rule…]}}; a right that two actions of a class
need is there once, one of a variant only where the variant is named.
*/}}
{{- define "riposte.rights" -}}
{{- $known := .Files.Get "files/actions.json" | fromJson -}}
{{- $rights := dict -}}
{{- range $name := .Values.actions.enabled | sortAlpha -}}
{{- with $action := get $known $name -}}
{{- range $reach := list "cluster" "namespaced" -}}
{{- range $rule := get $action $reach -}}
{{- if or (not $rule.onlyWith) (has $rule.onlyWith $.Values.actions.variants) -}}
{{- $class := default dict (get $rights $action.risk) -}}
{{- $_ := set $class $reach (append (default list (get $class $reach)) (omit $rule "onlyWith") | uniq) -}}
{{- $_ := set $rights $action.risk $class -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $rights | toJson -}}
{{- end -}}

{{/* The shipped policy files with the chosen mode, as JSON {file name: text}. */}}
{{- define "riposte.policyFiles" -}}
{{- $files := dict -}}
{{- range $path, $_ := .Files.Glob "files/policies/*.yaml" -}}
{{- $documents := list -}}
{{- range regexSplit "(?m)^---$" ($.Files.Get $path) -1 -}}
{{- $policy := fromYaml . -}}
{{- if ne $policy.kind "ResponseGuard" -}}
{{- $_ := set $policy.spec "mode" $.Values.mode -}}
{{- end -}}
{{- $documents = append $documents (toYaml $policy) -}}
{{- end -}}
{{- $_ := set $files (base $path) (join "\n---\n" $documents) -}}
{{- end -}}
{{- $files | toJson -}}
{{- end -}}
