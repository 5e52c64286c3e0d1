{{/* Names and labels. Every definition below the first two takes a bridge as `magpie.bridge` makes it. */}}

{{- define "magpie.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "magpie.suiteLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "magpie.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .id }}
{{- end -}}

{{/* What the pod of a bridge and that of its test are known by, for the network policy; nothing else means both. */}}
{{- define "magpie.bridgePods" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
magpie/bridge: {{ .id }}
{{- end -}}

{{- define "magpie.labels" -}}
{{ include "magpie.suiteLabels" .root }}
app.kubernetes.io/component: {{ .id }}
{{- end -}}

{{- define "magpie.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "magpie.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The enabled bridges, as JSON without the root. Refuses what the schema cannot see. */}}
{{- define "magpie.enabled" -}}
{{- $names := list -}}
{{- range $id, $bridge := .Values.bridges -}}
{{- if $bridge.enabled }}{{ $names = append $names $id }}{{ end -}}
{{- end -}}
{{- if and $names (not .Values.homeserver.url) }}{{ fail "\n\nhomeserver.url is missing: give the address of the homeserver's client API, such as http://synapse.matrix.svc:8008\n" }}{{ end -}}
{{- if and $names (not .Values.homeserver.server_name) }}{{ fail "\n\nhomeserver.server_name is missing: give the end of your Matrix ids, such as example.org\n" }}{{ end -}}
{{- if and .Values.doublePuppets.generate .Values.doublePuppets.existingSecret.name }}{{ fail "\n\ndoublePuppets: choose either generate or existingSecret\n" }}{{ end -}}
{{- $seen := dict -}}
{{- range $id := $names -}}
{{- $own := (index $.Values.bridges $id).config.appservice -}}
{{- range $key := list "id" "bot" "ghost_prefix" -}}
{{- $value := index $own $key -}}
{{- $mark := printf "%s %s" $key $value -}}
{{- if hasKey $seen $mark }}{{ fail (printf "\n\nbridges.%s.config.appservice.%s is `%s` like that of %s: two bridges must never share a name\n" $id $key $value (index $seen $mark)) }}{{ end -}}
{{- $_ := set $seen $mark $id -}}
{{- end -}}
{{- range $other := $names -}}
{{- $prefix := (index $.Values.bridges $other).config.appservice.ghost_prefix -}}
{{- if hasPrefix $prefix $own.bot }}{{ fail (printf "\n\nbridges.%s.config.appservice.bot is `%s`, which would be a ghost of %s (`%s…`)\n" $id $own.bot $other $prefix) }}{{ end -}}
{{- if and (ne $own.ghost_prefix $prefix) (hasPrefix $prefix $own.ghost_prefix) }}{{ fail (printf "\n\nbridges.%s.config.appservice.ghost_prefix is `%s`, which lies within that of %s (`%s`)\n" $id $own.ghost_prefix $other $prefix) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toJson (dict "names" $names) -}}
{{- end -}}

{{/* Takes `root` and `id`; gives all that follows from a bridge's values, as YAML. */}}
{{- define "magpie.facts" -}}
{{- $own := index .root.Values.bridges .id -}}
{{- $where := printf "bridges.%s" .id -}}
{{- $full := printf "%s-%s" (include "magpie.fullname" .root) .id -}}
{{- $url := default (printf "http://%s.%s.svc:8080" $full .root.Release.Namespace) $own.config.appservice.url | trimSuffix "/" -}}
{{- range $path, $ref := $own.secrets -}}
{{- $value := $own.config -}}
{{- range $word := splitList "." $path -}}
{{- $value = ternary (get (default dict $value) $word) "" (kindIs "map" $value) -}}
{{- end -}}
{{- if $value }}{{ fail (printf "\n\n%s.secrets names `%s`, which %s.config sets too: keep one of the two\n" $where $path $where) }}{{ end -}}
{{- end -}}
{{- $external := or (get $own.config.database "url") (hasKey $own.secrets "database.url") -}}
{{- if and $own.persistence.existingClaim (not $own.persistence.enabled) }}{{ fail (printf "\n\n%s.persistence names an existing claim and is not enabled\n" $where) }}{{ end -}}
{{- if and $own.ingress.enabled (not (get $own.config.appservice "public_url")) }}{{ fail (printf "\n\n%s.ingress needs %s.config.appservice.public_url, whose host it serves\n" $where $where) }}{{ end -}}
{{- if $own.ingress.enabled -}}
{{- $way := printf "%s/_magpie/webhook" (trimSuffix "/" $own.config.appservice.public_url) -}}
{{- range $key := list "webhook_url" "cloud_webhook_url" -}}
{{- $called := default $way (get $own.config.platform $key) -}}
{{- if not (or (eq $called $way) (hasPrefix (printf "%s/" $way) $called)) }}{{ fail (printf "\n\n%s.config.platform.%s is `%s`, which the Ingress does not lead here: write %s\n" $where $key $called $way) }}{{ end -}}
{{- end -}}
{{- end }}
full: {{ $full | quote }}
url: {{ $url | quote }}
database: {{ ternary "postgres" "sqlite" (not (not $external)) }}
registration: {{ default (printf "%s-registration" $full) $own.registration.existingSecret.name | quote }}
doublePuppets: {{ ternary (printf "%s-double-puppets" (include "magpie.fullname" .root)) .root.Values.doublePuppets.existingSecret.name .root.Values.doublePuppets.generate | quote }}
doublePuppetsKey: {{ ternary "registration.yaml" .root.Values.doublePuppets.existingSecret.key .root.Values.doublePuppets.generate | quote }}
{{- end -}}

{{/* Takes the root; renders the template `.template` once for each enabled bridge. */}}
{{- define "magpie.each" -}}
{{- $root := .root -}}
{{- $template := .template -}}
{{- range $id := (include "magpie.enabled" $root | fromJson).names -}}
{{- $facts := include "magpie.facts" (dict "root" $root "id" $id) | fromYaml -}}
{{- $own := index $root.Values.bridges $id -}}
{{- $pod := mustMergeOverwrite (deepCopy $root.Values.pod) (deepCopy $own.pod) -}}
{{- $bridge := merge (dict "root" $root "id" $id "own" $own "pod" $pod) $facts -}}
{{- $text := include $template $bridge | trim -}}
{{- if $text }}
---
{{ $text }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* `path: value` as the environment variable that names a file. */}}
{{- define "magpie.variable" -}}
{{- $words := splitList "." .path -}}
{{- $key := rest $words | join "__" -}}
{{- if eq (first $words) "platform" -}}
{{- printf "MAGPIE_%s_%s_FILE" .id $key | upper -}}
{{- else -}}
{{- printf "MAGPIE_%s__%s_FILE" (first $words) $key | upper -}}
{{- end -}}
{{- end -}}

{{- define "magpie.image" -}}
{{- $registry := .root.Values.image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry .own.image.repository) .own.image.repository (not (not $registry)) -}}
{{- if .own.image.digest -}}
{{- printf "%s@%s" $name .own.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (coalesce .own.image.tag .root.Values.image.tag .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
