"""Kubernetes manifests from `k8s/`: an overlay, components and settings in, checked objects out. Nothing is applied."""
