"""A tree of manifests with every field of Kustomize that the evaluator knows, each with an effect that shows."""

BASE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, labels: {app: a}}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      initContainers:
        - {name: first, image: shop/first}
      containers:
        - name: one
          image: shop/one:1
          args: [a, b]
          env: [{name: A, value: "1"}, {name: B, value: "2"}]
          ports: [{name: http, containerPort: 80}, {name: grpc, containerPort: 82}]
          resources: {requests: {cpu: "1"}, limits: {memory: 1Gi}}
        - {name: two, image: "shop/two@sha256:abc"}
        - {name: gone, image: shop/gone}
      tolerations: [{key: old, operator: Exists}]
      volumes: [{name: v, emptyDir: {}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: "registry:5000/shop/one:1"}]}}}}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{name: http, port: 80}, {name: grpc, port: 81}], selector: {app: a}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a}
spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}], egress: [{ports: [{port: 81}]}]}
---
apiVersion: example.com/v1
kind: Custom
metadata: {name: a}
spec: {containers: [{name: one, size: 1}], ports: [{port: 1}]}
"""

MERGED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  template:
    spec:
      initContainers:
        - {name: zeroth, image: shop/zeroth}
        - {name: first, env: [{name: Z, value: z}]}
      containers:
        - {name: three, image: shop/three}
        - {name: two, env: [{name: Z, value: z}]}
        - name: one
          env: [{name: C, value: "3"}, {name: A, $patch: delete}]
          args: [c]
          ports: [{containerPort: 81, name: extra}, {containerPort: 80, name: web}]
          resources: {requests: {cpu: null, memory: 1Gi}}
        - {name: gone, $patch: delete}
      tolerations: [{key: new}]
      volumes: [{name: w, emptyDir: {}}, {name: v, emptyDir: null, configMap: {name: settings}}]
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{port: 82, name: x}, {port: 81, name: renamed}], selector: {$patch: replace, app: b}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a}
spec: {ingress: [{ports: [{port: 82}]}]}
---
apiVersion: example.com/v1
kind: Custom
metadata: {name: a}
spec: {containers: [{name: two, size: 2}], ports: [{port: 2}]}
"""

TREE = {
    "base/things.yaml": BASE,
    "base/notes.txt": "one\ntwo: 2\n",
    "base/kustomization.yaml": """
resources: [things.yaml]
configMapGenerator:
  - name: settings
    literals: [A=1, "B='quoted'", C=a=b]
    files: [notes.txt, other=notes.txt]
    options: {disableNameSuffixHash: true, labels: {made: "yes"}}
  - name: doomed
    literals: [A=1]
    options: {disableNameSuffixHash: true}
labels: [{pairs: {part: whole}, includeTemplates: true}, {pairs: {only: objects}}]
""",
    "component/merged.yaml": MERGED,
    "component/extra.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: extra}\n",
    "component/kustomization.yaml": """
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [extra.yaml]
configMapGenerator:
  - name: settings
    behavior: merge
    literals: [A=component, D=4]
    options: {disableNameSuffixHash: true}
patches:
  - path: merged.yaml
  - target: {kind: Deployment|CronJob, name: .*}
    patch: |-
      - {op: add, path: /metadata/annotations, value: {"a/b": "1"}}
      - {op: replace, path: /metadata/annotations/a~1b, value: "2"}
  - target: {kind: Absent}
    patch: |-
      - {op: remove, path: /spec}
labels: [{pairs: {component: "yes"}, includeTemplates: true}]
""",
    "top/kustomization.yaml": """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
components: [../component]
namespace: shop
replicas: [{name: a, count: 3}]
images:
  - {name: shop/one, newTag: "9"}
  - {name: shop/two, newName: store/two}
  - {name: shop/three, newName: store/three, newTag: "3"}
configMapGenerator:
  - name: settings
    behavior: replace
    literals: [A=top]
    options: {disableNameSuffixHash: true}
patches:
  - target: {name: doomed}
    patch: |-
      apiVersion: any
      kind: Any
      metadata: {name: any}
      $patch: delete
  - target: {kind: Deployment, name: a}
    patch: |-
      - {op: add, path: /spec/template/spec/containers/1/env/-, value: {name: LAST}}
      - {op: add, path: /spec/template/spec/containers/1/env/0, value: {name: FIRST}}
      - {op: remove, path: /spec/template/spec/tolerations}
  - target: {kind: Deployment, name: a}
    patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: a, labels: {patched: "yes"}}
""",
}
