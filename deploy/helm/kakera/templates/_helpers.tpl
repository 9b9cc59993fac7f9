{{- define "kakera.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Of all objects of the release. 40 characters: a StatefulSet's pods and their volumes append to it, and 63 is the end. */}}
{{- define "kakera.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "kakera.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "kakera.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "kakera.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: kakera
{{ include "kakera.selector" . }}
{{- end }}

{{/* Every Kakera pod of the release, whatever its role. */}}
{{- define "kakera.selector" -}}
app.kubernetes.io/name: {{ include "kakera.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kakera.etcdSelector" -}}
app.kubernetes.io/name: {{ include "kakera.name" . }}-etcd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kakera.secretName" -}}
{{- default (printf "%s-keys" (include "kakera.fullname" .)) .Values.credentials.existingSecret }}
{{- end }}

{{- define "kakera.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kakera.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "kakera.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag }}
{{- if and (eq .Values.image.flavour "distroless") (not .Values.image.tag) }}
{{- $tag = printf "%s-distroless" $tag }}
{{- end }}
{{- printf "%s:%s" .Values.image.repository $tag }}
{{- end }}

{{- define "kakera.tlsSecretName" -}}
{{- default (printf "%s-tls" (include "kakera.fullname" .)) .Values.tls.existingSecret }}
{{- end }}

{{- define "kakera.scheme" -}}
{{- if .Values.tls.enabled }}https{{ else }}http{{ end }}
{{- end }}

{{- define "kakera.isCluster" -}}
{{- if ne .Values.mode "standalone" }}yes{{ end }}
{{- end }}

{{/* Its name within the cluster, of a Service of the release. */}}
{{- define "kakera.headlessHost" -}}
{{- printf "%s-nodes.%s.svc.%s" (include "kakera.fullname" .) .Release.Namespace .Values.clusterDomain }}
{{- end }}

{{- define "kakera.etcdEndpoints" -}}
{{- if .Values.etcd.bundled }}
{{- $name := printf "%s-etcd" (include "kakera.fullname" .) }}
{{- $endpoints := list }}
{{- range $index := until (int .Values.etcd.replicas) }}
{{- $endpoints = append $endpoints (printf "http://%s-%d.%s.%s.svc.%s:2379" $name $index $name $.Release.Namespace $.Values.clusterDomain) }}
{{- end }}
{{- join "," $endpoints }}
{{- else }}
{{- join "," .Values.etcd.endpoints }}
{{- end }}
{{- end }}

{{/* As the command line has them: /data/drive1, or /data/drive{1...4}. */}}
{{- define "kakera.drives" -}}
{{- if eq (int .Values.drivesPerNode) 1 }}/data/drive1{{ else }}/data/drive{1...{{ .Values.drivesPerNode }}}{{ end }}
{{- end }}

{{- define "kakera.terminationGraceSeconds" -}}
{{- add .Values.drainSeconds .Values.maintenanceWaitSeconds 30 }}
{{- end }}
