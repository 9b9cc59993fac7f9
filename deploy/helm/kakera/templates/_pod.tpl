{{/*
The template of a Kakera pod. Takes a dict: root, component (node or gateway), command (server, gateway or storage-node), drives ("" for a
gateway), resources.
*/}}
{{- define "kakera.pod" -}}
{{- $root := .root }}
{{- $values := $root.Values }}
{{- $isCluster := include "kakera.isCluster" $root }}
{{- $scheme := include "kakera.scheme" $root | upper -}}
metadata:
  labels:
    {{- include "kakera.selector" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    app.kubernetes.io/part-of: kakera
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- if not $values.credentials.existingSecret }}
    checksum/keys: {{ include (print $root.Template.BasePath "/secret.yaml") $root | sha256sum }}
    {{- end }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "kakera.serviceAccountName" $root }}
  automountServiceAccountToken: false
  # A Service called kakera would come as KAKERA_PORT and the like.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "kakera.terminationGraceSeconds" $root }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml $values.podSecurityContext | nindent 4 }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and $values.topologySpread.enabled $isCluster }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: {{ if .drives }}{{ $values.topologySpread.whenUnsatisfiable }}{{ else }}ScheduleAnyway{{ end }}
      labelSelector:
        matchLabels:
          {{- include "kakera.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "kakera.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
  {{- end }}
  containers:
    - name: kakera
      image: {{ include "kakera.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        - {{ .command }}
        {{- with .drives }}
        - {{ . | quote }}
        {{- end }}
        {{- with $values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        {{- include "kakera.env" . | nindent 8 }}
      ports:
        - { name: s3, containerPort: 9000 }
        {{- if $values.console.enabled }}
        - { name: console, containerPort: 9001 }
        {{- end }}
        {{- if $isCluster }}
        - { name: node, containerPort: 9010 }
        {{- end }}
      # It lives as soon as it listens; a new cluster is ready when all of its domains are there.
      startupProbe:
        httpGet: { path: /health/live, port: s3, scheme: {{ $scheme }} }
        periodSeconds: 5
        failureThreshold: 60
      # Of nothing but the process itself: an etcd that is away must restart nobody.
      livenessProbe:
        httpGet: { path: /health/live, port: s3, scheme: {{ $scheme }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /health/ready, port: s3, scheme: {{ $scheme }} }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      lifecycle:
        preStop:
          {{- include "kakera.preStop" $root | nindent 10 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - { name: keys, mountPath: /etc/kakera/keys, readOnly: true }
        {{- if $values.tls.enabled }}
        - { name: certs, mountPath: /etc/kakera/certs, readOnly: true }
        {{- end }}
        {{- if and $isCluster $values.etcd.existingSecret }}
        - { name: etcd, mountPath: /etc/kakera/etcd, readOnly: true }
        {{- end }}
        {{- if .drives }}
        {{- range $drive := untilStep 1 (int (add1 $values.drivesPerNode)) 1 }}
        - { name: drive{{ $drive }}, mountPath: /data/drive{{ $drive }} }
        {{- end }}
        {{- else }}
        - { name: state, mountPath: /var/lib/kakera }
        {{- end }}
  volumes:
    - name: keys
      secret:
        secretName: {{ include "kakera.secretName" $root }}
        defaultMode: 0440
    {{- if $values.tls.enabled }}
    - name: certs
      secret:
        secretName: {{ include "kakera.tlsSecretName" $root }}
        defaultMode: 0440
    {{- end }}
    {{- if and $isCluster $values.etcd.existingSecret }}
    - name: etcd
      secret:
        secretName: {{ $values.etcd.existingSecret }}
        defaultMode: 0440
    {{- end }}
    {{- if not .drives }}
    - name: state
      emptyDir: { sizeLimit: {{ $values.gateway.stateSize }} }
    {{- end }}
{{- end }}

{{/* Variables rather than flags: what is set for one role alone stands next to what all have. Secrets come as files. */}}
{{- define "kakera.env" -}}
{{- $root := .root }}
{{- $values := $root.Values -}}
- name: KAKERA_ROOT_USER_FILE
  value: /etc/kakera/keys/rootUser
- name: KAKERA_ROOT_PASSWORD_FILE
  value: /etc/kakera/keys/rootPassword
{{- if include "kakera.isCluster" $root }}
- name: KAKERA_CLUSTER_SECRET_FILE
  value: /etc/kakera/keys/clusterSecret
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- if .drives }}
- name: KAKERA_ADVERTISE
  value: "$(POD_NAME).{{ include "kakera.headlessHost" $root }}:9010"
{{- else }}
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
- name: KAKERA_ADVERTISE
  value: "$(POD_IP):9010"
- name: KAKERA_STATE_DIR
  value: /var/lib/kakera
{{- end }}
# A pod keeps its name, and with it its drives: it is what shards are kept apart by.
- name: KAKERA_HOST
  value: "$(POD_NAME)"
- name: KAKERA_EXPECT_DOMAINS
  value: {{ default $values.replicas $values.expectDomains | quote }}
- name: KAKERA_ETCD_ENDPOINTS
  value: {{ include "kakera.etcdEndpoints" $root | quote }}
- name: KAKERA_ETCD_PREFIX
  value: {{ $values.etcd.prefix | quote }}
{{- if $values.etcd.existingSecret }}
{{- range $key := $values.etcd.secretKeys }}
{{- if eq $key "username" }}
- name: KAKERA_ETCD_USERNAME
  valueFrom: { secretKeyRef: { name: {{ $values.etcd.existingSecret }}, key: username } }
{{- else }}
- name: {{ get (dict "ca.crt" "KAKERA_ETCD_CACERT" "tls.crt" "KAKERA_ETCD_CERT" "tls.key" "KAKERA_ETCD_KEY" "password" "KAKERA_ETCD_PASSWORD_FILE") $key }}
  value: /etc/kakera/etcd/{{ $key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.geometry }}
- name: KAKERA_GEOMETRY
  value: {{ . | quote }}
{{- end }}
{{- with $values.buckets }}
- name: KAKERA_BUCKETS
  value: {{ join "," . | quote }}
{{- end }}
- name: KAKERA_REGION
  value: {{ $values.region | quote }}
{{- with $values.domains }}
- name: KAKERA_DOMAIN
  value: {{ join "," . | quote }}
{{- end }}
{{- if not $values.console.enabled }}
- name: KAKERA_CONSOLE_ADDRESS
  value: "off"
{{- end }}
{{- if $values.tls.enabled }}
- name: KAKERA_CERTS_DIR
  value: /etc/kakera/certs
{{- end }}
- name: KAKERA_METRICS_AUTH
  value: {{ $values.metrics.auth | quote }}
- name: KAKERA_PROCESSES
  value: {{ $values.processes | quote }}
- name: KAKERA_DRAIN_TIMEOUT
  value: "{{ $values.drainSeconds }}s"
- name: KAKERA_LOG_LEVEL
  value: {{ $values.logLevel | quote }}
- name: KAKERA_LOG_FORMAT
  value: json
{{- if $values.credentials.allowInsecure }}
- name: KAKERA_ALLOW_INSECURE_CREDENTIALS
  value: "1"
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
A node of a cluster that could not do without it answers 412 to ?maintenance=true: it waits for the others, within bounds. The seconds at
the end are for Services to learn that the pod is going.
*/}}
{{- define "kakera.preStop" -}}
{{- if and (eq .Values.image.flavour "slim") (include "kakera.isCluster" .) -}}
exec:
  command:
    - /bin/sh
    - -c
    - |
      end=$(($(date +%s) + {{ .Values.maintenanceWaitSeconds }}))
      while [ "$(date +%s)" -lt "$end" ]; do
        code=$(curl -ks -o /dev/null -m 5 -w '%{http_code}' '{{ include "kakera.scheme" . }}://127.0.0.1:9000/minio/health/cluster?maintenance=true')
        [ "$code" = 412 ] || break
        sleep 2
      done
      sleep 5
{{- else -}}
sleep:
  seconds: 5
{{- end }}
{{- end }}
