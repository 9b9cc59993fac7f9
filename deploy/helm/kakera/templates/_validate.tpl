{{/* What a schema cannot say of values together. Each sentence says what to do. */}}
{{- define "kakera.validate" -}}
{{- with .Values.credentials }}
{{- if and (not .existingSecret) (or (not .rootUser) (not .rootPassword)) }}
{{- fail "credentials: name a Secret by credentials.existingSecret, or set credentials.rootUser and credentials.rootPassword" }}
{{- end }}
{{- if and (not .existingSecret) (include "kakera.isCluster" $) (lt (len .clusterSecret) 32) }}
{{- fail "credentials: a cluster needs credentials.clusterSecret of at least 32 characters: openssl rand -hex 32" }}
{{- end }}
{{- if and (not .allowInsecure) (eq .rootUser .rootPassword) (has .rootUser (list "minioadmin" "rustfsadmin")) }}
{{- fail (printf "credentials: everybody knows %s: choose another pair, or set credentials.allowInsecure" .rootUser) }}
{{- end }}
{{- end }}
{{- if and (include "kakera.isCluster" .) (not .Values.etcd.bundled) (not .Values.etcd.endpoints) }}
{{- fail "etcd: name etcd.endpoints, or set etcd.bundled" }}
{{- end }}
{{- if and .Values.tls.enabled (not .Values.tls.existingSecret) (not .Values.tls.certManager.enabled) }}
{{- fail "tls: name a Secret by tls.existingSecret, or enable tls.certManager" }}
{{- end }}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) }}
{{- fail "tls: name the issuer by tls.certManager.issuerRef.name" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (eq .Values.metrics.auth "jwt") (not .Values.metrics.serviceMonitor.tokenSecret.name) }}
{{- fail "metrics: a scraper needs a token: name its Secret by metrics.serviceMonitor.tokenSecret.name, or set metrics.auth to public" }}
{{- end }}
{{- end }}
