{{/* What the pod of a bridge and that of its test have in common. */}}

{{- define "magpie.container" -}}
image: {{ include "magpie.image" . | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
env:
- { name: MAGPIE_CONFIG, value: /etc/magpie/config/config.yaml }
# For the temporary files of SQLite and ffmpeg: nothing else can be written.
- { name: TMPDIR, value: /var/spool/magpie }
{{- range $path, $ref := .own.secrets }}
- { name: {{ include "magpie.variable" (dict "id" $.id "path" $path) }}, value: /etc/magpie/secrets/{{ $path }} }
{{- end }}
securityContext: {{- toYaml .pod.containerSecurityContext | nindent 2 }}
resources: {{- toYaml .pod.resources | nindent 2 }}
volumeMounts:
- { name: config, mountPath: /etc/magpie/config, readOnly: true }
- { name: registration, mountPath: /etc/magpie/registration, readOnly: true }
{{- if .doublePuppets }}
- { name: double-puppets, mountPath: /etc/magpie/double-puppets, readOnly: true }
{{- end }}
{{- if .own.secrets }}
- { name: secrets, mountPath: /etc/magpie/secrets, readOnly: true }
{{- end }}
- { name: data, mountPath: /var/lib/magpie }
- { name: spool, mountPath: /var/spool/magpie }
{{- end -}}

{{- define "magpie.volumes" -}}
- name: config
  secret: { secretName: {{ .full }}-config, defaultMode: 0440 }
- name: registration
  secret:
    secretName: {{ .registration }}
    defaultMode: 0440
    items:
    - { key: {{ ternary .own.registration.existingSecret.key "registration.yaml" (not (not .own.registration.existingSecret.name)) }}, path: registration.yaml }
{{- if .doublePuppets }}
- name: double-puppets
  secret:
    secretName: {{ .doublePuppets }}
    defaultMode: 0440
    items:
    - { key: {{ .doublePuppetsKey }}, path: registration.yaml }
{{- end }}
{{- if .own.secrets }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
    {{- range $path, $ref := .own.secrets }}
    - secret:
        name: {{ $ref.name }}
        items:
        - { key: {{ $ref.key }}, path: {{ $path }} }
    {{- end }}
{{- end }}
- name: spool
  emptyDir: { sizeLimit: {{ .pod.spoolSizeLimit }} }
{{- end -}}

{{- define "magpie.placing" -}}
serviceAccountName: {{ include "magpie.serviceAccount" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- { name: {{ . }} }
{{- end }}
{{- end }}
securityContext: {{- toYaml .pod.securityContext | nindent 2 }}
{{- with .pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
