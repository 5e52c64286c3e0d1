{{/* The configuration file of one bridge. */}}
{{- define "magpie.config" -}}
{{- $values := .root.Values -}}
{{- $homeserver := dict -}}
{{- range $key, $value := $values.homeserver }}{{ if $value }}{{ $_ := set $homeserver $key $value }}{{ end }}{{ end -}}
{{- if .doublePuppets }}{{ $_ := set $homeserver "double_puppets" "/etc/magpie/double-puppets/registration.yaml" }}{{ end -}}
{{- $appservice := merge (dict "listen" (printf "%s:8080" $values.service.listen) "url" .url "registration" "/etc/magpie/registration/registration.yaml") .own.config.appservice -}}
{{- $database := deepCopy .own.config.database -}}
{{- if eq .database "sqlite" }}{{ $_ := set $database "url" "sqlite:/var/lib/magpie/magpie.db" }}{{ end -}}
{{- $bridge := mustMergeOverwrite (dict "media_folder" "/var/spool/magpie") (deepCopy $values.config.bridge) (deepCopy .own.config.bridge) -}}
{{- $logging := mustMergeOverwrite (deepCopy $values.config.logging) (deepCopy .own.config.logging) -}}
{{- $config := dict "homeserver" $homeserver "appservice" $appservice "bridge" $bridge "logging" $logging -}}
{{- with $database }}{{ $_ := set $config "database" . }}{{ end -}}
{{- with .own.config.provisioning }}{{ $_ := set $config "provisioning" . }}{{ end -}}
{{- with .own.config.platform }}{{ $_ := set $config "platform" . }}{{ end -}}
{{ toYaml $config }}
{{- end -}}

{{/*
What stands in the Secret `.secret` under `registration.yaml`, as text; nothing when it is not there.
*/}}
{{- define "magpie.standing" -}}
{{- $there := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- if $there }}{{ get (default dict (get $there "data")) "registration.yaml" | b64dec }}{{ end -}}
{{- end -}}

{{/*
The tokens that stand in the Secret `.secret`, or new ones. They are made once in a rendering, because the checksum of the pod
is that of the same Secret. A Secret that is there and has no tokens is never given new ones: the homeserver would not know them.
*/}}
{{- define "magpie.tokens" -}}
{{- $made := default dict (get .root "magpieTokens") -}}
{{- if not (hasKey $made .secret) -}}
{{- $old := include "magpie.standing" . | fromYaml -}}
{{- $isThere := not (not (lookup "v1" "Secret" .root.Release.Namespace .secret)) -}}
{{- if and $isThere (not (and (get $old "as_token") (get $old "hs_token"))) -}}
{{- fail (printf "\n\nthe Secret %s holds no registration with as_token and hs_token under the key registration.yaml: put back the one that the homeserver has, or delete the Secret to get new tokens\n" .secret) -}}
{{- end -}}
{{- $tokens := dict "as_token" (default (randAlphaNum 64) (get $old "as_token")) "hs_token" (default (randAlphaNum 64) (get $old "hs_token")) -}}
{{- /* What `registration --rotate` has left there. */ -}}
{{- range $key := list "magpie_previous_as_token" "magpie_previous_hs_token" "magpie_secrets_key" -}}
{{- with get $old $key }}{{ $_ := set $tokens $key . }}{{ end -}}
{{- end -}}
{{- with get $old "magpie_previous_until_ms" }}{{ $_ := set $tokens "magpie_previous_until_ms" (int64 .) }}{{ end -}}
{{- $_ := set $made .secret $tokens -}}
{{- $_ := set .root "magpieTokens" $made -}}
{{- end -}}
{{ toYaml (index $made .secret) }}
{{- end -}}

{{/*
`.text`, or what stands in the Secret `.secret` when that says the same in other bytes: whoever wrote it, as after a rotation, is its owner
for a server-side apply, which refuses other bytes of ours.
*/}}
{{- define "magpie.unlessStanding" -}}
{{- $standing := include "magpie.standing" . -}}
{{- if and $standing (deepEqual (fromYaml $standing) (fromYaml .text)) }}{{ $standing }}{{ else }}{{ .text }}{{ end -}}
{{- end -}}

{{/* `text` as a regular expression that fits nothing else, as the bridges write it. */}}
{{- define "magpie.escaped" -}}
{{ regexReplaceAll "([^A-Za-z0-9_=/:-])" . "\\${1}" }}
{{- end -}}

{{- define "magpie.registration" -}}
{{- include "magpie.unlessStanding" (dict "root" .root "secret" .registration "text" (include "magpie.registrationText" .)) -}}
{{- end -}}

{{/* The registration of one bridge, the same as `registration` of the program writes. */}}
{{- define "magpie.registrationText" -}}
{{- $own := .own.config.appservice -}}
{{- $server := include "magpie.escaped" .root.Values.homeserver.server_name -}}
{{- $ghosts := include "magpie.escaped" $own.ghost_prefix -}}
id: {{ $own.id | quote }}
url: {{ .url | quote }}
{{ include "magpie.tokens" (dict "root" .root "secret" .registration) }}
sender_localpart: {{ $own.bot | quote }}
rate_limited: false
receive_ephemeral: true
de.sorunome.msc2409.push_ephemeral: true
org.matrix.msc3202: true
io.element.msc4190: true
namespaces:
  users:
  - { exclusive: true, regex: '^@{{ $ghosts }}.*:{{ $server }}$' }
  - { exclusive: true, regex: '^@{{ include "magpie.escaped" $own.bot }}:{{ $server }}$' }
  aliases:
  - { exclusive: true, regex: '^#{{ $ghosts }}.*:{{ $server }}$' }
  rooms: []
{{- end -}}

{{- define "magpie.doublePuppets" -}}
{{- include "magpie.unlessStanding" (dict "root" .root "secret" .secret "text" (include "magpie.doublePuppetsText" .)) -}}
{{- end -}}

{{/* The second registration, for the homeserver's own people. Takes `root` and `secret`. */}}
{{- define "magpie.doublePuppetsText" -}}
id: magpie-double-puppets
url: null
{{ include "magpie.tokens" . }}
sender_localpart: magpie-double-puppets
rate_limited: false
namespaces:
  users:
  - { exclusive: false, regex: '^@.*:{{ include "magpie.escaped" .root.Values.homeserver.server_name }}$' }
  aliases: []
  rooms: []
{{- end -}}
