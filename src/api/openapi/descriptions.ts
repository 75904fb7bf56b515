/** What definitions and their members mean, for `kubectl explain` and for readers of the OpenAPI documents. */

/** The sentence for a definition, by its full name; empty when there is none. */
export function describeDefinition(name: string): string {
  return textsOf(name)?.[''] ?? '';
}

/** The sentence for a member; empty when there is none. */
export function describeField(definition: string, member: string): string {
  const own = textsOf(definition)?.[member];
  if (own !== undefined) return own;
  return commonMembers[member] ?? '';
}

type Texts = Readonly<Record<string, string>>;

/** By `group.Kind` where two groups have a kind of one name, by `Kind` otherwise. */
function textsOf(name: string): Texts | undefined {
  const parts = name.split('.');
  const kind = parts.at(-1) ?? '';
  const group = parts.at(-3) ?? '';
  const key = `${group}.${kind}`;
  if (Object.hasOwn(descriptions, key)) return descriptions[key];
  return Object.hasOwn(descriptions, kind) ? descriptions[kind] : undefined;
}

/** Members that mean the same in every object. */
const commonMembers: Texts = {
  apiVersion: 'Group and version of the schema that this object follows.',
  kind: 'Name of the schema that this object follows.',
  metadata: 'Name, namespace, labels and the rest of what every object carries.',
};

const descriptions: Readonly<Record<string, Texts>> = {
  Service: {
    '': 'A stable name and address in front of a changing set of pods.',
    spec: 'What the Service should be.',
    status: 'What has become of it. Written by the system.',
  },
  ServiceSpec: {
    '': 'What a Service should be: its ports, which pods serve them, and how traffic is handed on.',
    ports: 'The ports that the Service listens on. A list: every entry starts with a dash.',
    selector: 'Labels of the pods that serve. Without a selector nobody fills in endpoints: write EndpointSlices by hand.',
    clusterIP:
      'The virtual address. Given by the system when empty; None makes the Service headless, so that its name leads to the pods.',
    clusterIPs: 'The virtual addresses, at most one for each IP family. The first is clusterIP.',
    type: 'How far the Service reaches: ClusterIP (inside), NodePort (also a port on every node), LoadBalancer (also an address outside), ExternalName (only an alias in DNS).',
    externalIPs:
      'Addresses that the Service also answers on, if traffic for them reaches a node. The system does not manage them.',
    sessionAffinity:
      'ClientIP sends all connections of a client address to the same pod; None (the default) picks anew for each.',
    sessionAffinityConfig: 'Settings of the session affinity.',
    loadBalancerIP: 'The address that a load balancer should have, where its provider heeds it. Deprecated.',
    loadBalancerSourceRanges: 'Client prefixes that a load balancer lets in. Empty lets everyone in.',
    loadBalancerClass: 'Which load-balancer implementation serves this Service; the default one when empty. Cannot be changed.',
    externalName: 'The DNS name that the alias of an ExternalName Service leads to.',
    externalTrafficPolicy:
      'For traffic from outside the cluster: Cluster hands it to any pod and hides the client address; Local only to pods of the node it came in on, and keeps the client address.',
    internalTrafficPolicy:
      'For traffic from inside the cluster: Cluster hands it to any pod, Local only to pods of the same node.',
    trafficDistribution:
      'A preference among ready endpoints: PreferSameZone or PreferSameNode. PreferClose is an older name of PreferSameZone.',
    topologyKeys:
      'Node labels in order of preference: traffic goes to endpoints whose node agrees with the client\'s in the first label that any endpoint agrees in. "*" as the last one takes any endpoint. Gone from Kubernetes since 1.22 and kept here.',
    healthCheckNodePort:
      'The node port on which load balancers ask whether a node has local endpoints. For LoadBalancer with the Local policy.',
    publishNotReadyAddresses: 'Take pods as ready whatever their readiness says, so that peers find each other early.',
    ipFamilies: 'The IP families of the Service, primary first.',
    ipFamilyPolicy: 'SingleStack, PreferDualStack or RequireDualStack: how many IP families the Service has.',
    allocateLoadBalancerNodePorts: 'Whether a LoadBalancer Service also gets node ports. True by default.',
  },
  ServicePort: {
    '': 'One port of a Service.',
    name: 'Name of the port; a DNS label. Needed when there is more than one. Endpoints carry the same name.',
    protocol: 'TCP (the default), UDP or SCTP.',
    appProtocol: 'The application protocol spoken on the port: a hint, for example kubernetes.io/h2c.',
    port: 'The port that clients dial.',
    targetPort:
      'The port of the pods: a number, or the name of a container port, which may differ from pod to pod. The same as port when empty.',
    nodePort: 'The port on every node, for NodePort and LoadBalancer. Given by the system when 0.',
  },
  ServiceStatus: {
    '': 'What has become of a Service.',
    loadBalancer: "The load balancer's addresses.",
    conditions: 'Conditions that controllers report.',
  },
  SessionAffinityConfig: { '': 'Settings of the session affinity.', clientIP: 'Settings of affinity by client address.' },
  ClientIPConfig: {
    '': 'Settings of affinity by client address.',
    timeoutSeconds: 'How long a client keeps its pod after its last new connection; 1 to 86400 seconds, 10800 by default.',
  },
  LoadBalancerStatus: { '': 'A load balancer as it is.', ingress: 'Its entry points.' },
  LoadBalancerIngress: {
    '': 'One entry point of a load balancer.',
    ip: 'Its address, where it has one.',
    hostname: 'Its DNS name, where it has one.',
    ipMode: "VIP: packets arrive with the load balancer's address as destination. Proxy: they arrive with the node's or pod's.",
    ports: 'Its ports, with errors where one could not be set up.',
  },
  PortStatus: {
    '': 'One port of a load balancer.',
    port: 'The port number.',
    protocol: 'TCP, UDP or SCTP.',
    error: 'Why the port does not work, as a CamelCase name.',
  },
  EndpointSlice: {
    '': 'A part of the endpoints of a Service: addresses of one family that share their ports. The label kubernetes.io/service-name ties it to its Service.',
    addressType: 'IPv4, IPv6 or FQDN: what all addresses of the slice are. Cannot be changed.',
    endpoints: 'The endpoints, at most 1000.',
    ports: 'The ports that every endpoint of the slice serves. At most 20000, each with a name of its own.',
  },
  Endpoint: {
    '': 'One endpoint: usually one pod.',
    addresses: 'Addresses of the endpoint; proxies use the first.',
    conditions: 'Whether it takes traffic.',
    hostname: 'Host name of the endpoint, for its own DNS record; a DNS label.',
    targetRef: 'The object behind the endpoint, usually a pod.',
    deprecatedTopology: 'Topology labels of the v1beta1 API. Read only.',
    nodeName: 'The node that the endpoint is on; the Local traffic policies go by it.',
    zone: 'The zone that the endpoint is in.',
    hints: 'Who should prefer this endpoint.',
  },
  EndpointConditions: {
    '': 'Whether an endpoint takes traffic. A condition that is not set counts as true for ready and serving, as false for terminating.',
    ready: 'It takes new traffic: it is serving and not terminating, or its Service publishes addresses that are not ready.',
    serving: 'It answers, terminating or not.',
    terminating: 'It is being shut down.',
  },
  EndpointHints: {
    '': 'Who should prefer an endpoint.',
    forZones: 'Zones whose clients should use it; at most 8.',
    forNodes: 'Nodes whose clients should use it; at most 8.',
  },
  ForZone: { '': 'A zone that should prefer the endpoint.', name: 'Name of the zone.' },
  ForNode: { '': 'A node that should prefer the endpoint.', name: 'Name of the node.' },
  'discovery.EndpointPort': {
    '': 'A port that the endpoints of a slice serve.',
    name: 'The name of the Service port that it belongs to. Empty for a Service with one unnamed port.',
    protocol: 'TCP (the default), UDP or SCTP.',
    port: 'The port number. Not set means every port.',
    appProtocol: 'The application protocol spoken on the port.',
  },
  Endpoints: {
    '': 'All endpoints of a Service in one object of the same name: the older form of EndpointSlices. Deprecated since 1.33.',
    subsets: 'Groups of addresses that share their ports.',
  },
  EndpointSubset: {
    '': 'Addresses that share their ports: every address serves every port.',
    addresses: 'Addresses that take traffic.',
    notReadyAddresses: 'Addresses that do not, or not yet.',
    ports: 'Ports that each address serves.',
  },
  EndpointAddress: {
    '': 'One address of Endpoints.',
    ip: 'The IP address. Not a loopback, link-local or multicast one.',
    hostname: 'Host name of the endpoint, for its own DNS record.',
    nodeName: 'The node that the endpoint is on.',
    targetRef: 'The object behind the address, usually a pod.',
  },
  'core.EndpointPort': {
    '': 'A port that the addresses of a subset serve.',
    name: 'The name of the Service port that it belongs to.',
    port: 'The port number.',
    protocol: 'TCP (the default), UDP or SCTP.',
    appProtocol: 'The application protocol spoken on the port.',
  },
  Pod: {
    '': 'Containers that run together on one node and share one network address.',
    spec: 'What should run, and where.',
    status: 'What is running. Written by the node.',
  },
  PodSpec: {
    '': 'What a pod should run, and where.',
    containers: 'The containers; at least one.',
    hostname: 'Host name of the pod. With subdomain it has a DNS name of its own.',
    subdomain: 'Name of a headless Service of the namespace. The pod is then HOSTNAME.SUBDOMAIN.NAMESPACE.svc.CLUSTER-DOMAIN.',
    nodeName: 'The node it runs on. The scheduler chooses one when empty.',
    nodeSelector: 'Labels that the node must have.',
    hostNetwork: 'Use the network of the node in place of one of its own.',
    dnsPolicy: 'Where names are resolved: ClusterFirst (the default), ClusterFirstWithHostNet, Default (as the node) or None.',
    restartPolicy: 'Whether containers that ended are started again: Always (the default), OnFailure or Never.',
    terminationGracePeriodSeconds: 'Seconds between being asked to stop and being killed; 30 by default.',
  },
  Container: {
    '': 'One container of a pod.',
    name: 'Name of the container; a DNS label, unique in the pod.',
    image: 'The image it runs.',
    ports: 'Ports it listens on. Mainly for people, and for named target ports.',
    readinessProbe: 'Asked to learn whether the container takes traffic.',
    livenessProbe: 'Asked to learn whether the container must be restarted.',
  },
  Node: { '': 'A machine, real or virtual, that runs pods.', spec: 'What the node should be.', status: 'What the node is.' },
  Namespace: { '': 'A room for names: objects of different namespaces may share a name.' },
  ConfigMap: {
    '': 'Settings for pods to read, as texts by key.',
    data: 'Texts by key.',
    binaryData: 'Bytes by key, as base64.',
    immutable: 'Once true, the data cannot be changed any more.',
  },
  Secret: {
    '': 'Confidential settings for pods to read, as bytes by key.',
    data: 'Bytes by key, as base64.',
    stringData: 'Texts by key, merged into data on writing. Never read back.',
    type: 'What the keys mean; Opaque by default.',
    immutable: 'Once true, the data cannot be changed any more.',
  },
  ServiceAccount: { '': 'An identity for the processes of pods.' },
  'core.Event': { '': 'A note that something happened to an object. Kept for a while.' },
  'events.Event': { '': 'A note that something happened to an object. Kept for a while.' },
  ReplicationController: { '': 'Keeps a number of equal pods running: the older form of ReplicaSet.' },
  ResourceQuota: { '': 'Limits what a namespace may use.' },
  LimitRange: { '': 'Default and extreme resource amounts for the pods of a namespace.' },
  PersistentVolume: { '': 'A piece of storage that claims may be given.' },
  PersistentVolumeClaim: { '': 'A request for storage.' },
  PodTemplate: { '': 'A pod to be made later.' },
  Binding: { '': 'Places a pod on a node.', target: 'The node.' },
  ControllerRevision: { '': 'A remembered state of an object, for going back to it.' },
  DaemonSet: { '': 'Runs one pod on every node, or on every node that a selector matches.' },
  Deployment: { '': 'Keeps a number of equal pods running, and replaces them step by step when their template changes.' },
  ReplicaSet: { '': 'Keeps a number of equal pods running. Usually made by a Deployment.' },
  StorageClass: { '': 'A kind of storage that claims may ask for, and who makes it.' },
  StatefulSet: {
    '': 'Runs pods with names that stay: name-0, name-1 and so on, each with a DNS name when serviceName is a headless Service.',
  },
  CronJob: { '': 'Makes Jobs on a schedule.' },
  Job: { '': 'Runs pods until a number of them has succeeded.' },
  Ingress: { '': 'Rules that lead HTTP requests to Services.' },
  IngressClass: { '': 'Which controller serves an Ingress.' },
  IPAddress: { '': 'An address that is in use: named by it, and owned by the object in parentRef.' },
  IPAddressSpec: { '': 'Who uses the address.', parentRef: 'The object that uses the address.' },
  ServiceCIDR: { '': 'A range from which the cluster IPs of Services are taken.' },
  ServiceCIDRSpec: { '': 'The range.', cidrs: 'One or two prefixes, of different IP families. Cannot be changed.' },
  NetworkPolicy: { '': 'Which traffic pods let in and out.' },
  Lease: { '': 'A claim that is renewed: of a leader, or of a node that it is alive.' },
  PodDisruptionBudget: { '': 'How many pods of a group may be away at once when nodes are emptied.' },
  Eviction: { '': 'A request to delete a pod if disruption budgets allow it.' },
  ClusterRole: { '': 'A set of permissions for the whole cluster.' },
  ClusterRoleBinding: { '': 'Gives a ClusterRole to users, groups or service accounts.' },
  Role: { '': 'A set of permissions in a namespace.' },
  RoleBinding: { '': 'Gives a Role to users, groups or service accounts in a namespace.' },
  SelfSubjectReview: { '': 'Asks who the client is.' },
  SelfSubjectAccessReview: { '': 'Asks whether the client may do something.' },
  SelfSubjectRulesReview: { '': 'Asks what the client may do in a namespace.' },
  SubjectAccessReview: { '': 'Asks whether somebody may do something.' },
  LocalSubjectAccessReview: { '': 'Asks whether somebody may do something in a namespace.' },
  TokenReview: { '': 'Asks whom a token belongs to.' },
  TokenRequest: { '': 'Asks for a token of a service account.' },
  HorizontalPodAutoscaler: { '': 'Sets the number of replicas by measurements.' },
  Scale: { '': 'The number of replicas of something, wanted and actual.' },
  PriorityClass: { '': 'A priority for pods, by name.' },
  Status: { '': 'How a request ended, where there is no object to answer.' },
  DeleteOptions: { '': 'How an object is deleted.' },
  Patch: { '': 'A change to an object, in one of the patch formats.' },
  ListMeta: { '': 'What every list carries.', resourceVersion: 'The state that the list shows; a watch continues from it.' },
  ObjectMeta: {
    '': 'What every object carries.',
    name: 'Name of the object, unique for its kind in its namespace. Cannot be changed.',
    generateName: 'Start of a name that the server completes, when name is empty.',
    namespace: 'Namespace of the object. Cannot be changed.',
    labels: 'Short texts to select objects by.',
    annotations: 'Texts for tools to keep. Not for selecting.',
    uid: 'Identity of this object, different for another of the same name made later.',
    resourceVersion: 'State of the object in the store. Send it back with a change to be told when somebody else was faster.',
    generation: 'Counts changes of what the object should be.',
    creationTimestamp: 'When it was created.',
    deletionTimestamp: 'When it is, or was, due to be gone. Set by the server on deletion.',
    deletionGracePeriodSeconds: 'Seconds that it has to end after deletion was asked for.',
    finalizers: 'Who still has to clean up before the object may go.',
    ownerReferences: 'Objects that this one belongs to. It is deleted when all of them are gone.',
    managedFields: 'Which fields were written by whom.',
    selfLink: 'No longer used.',
  },
  LabelSelector: {
    '': 'A condition on labels. All parts must hold; an empty selector holds for everything.',
    matchLabels: 'Labels that must have these values.',
    matchExpressions: 'Conditions on single labels: In, NotIn, Exists, DoesNotExist.',
  },
  Time: { '': 'A time of RFC 3339, to the second: 2006-01-02T15:04:05Z.' },
  MicroTime: { '': 'A time of RFC 3339, to the microsecond: 2006-01-02T15:04:05.000000Z.' },
  FieldsV1: { '': 'A set of fields, as a tree.' },
  RawExtension: { '': 'Any object.' },
  Quantity: { '': 'An amount: a number with a unit such as 500m, 1.5, 64Mi or 2G.' },
  IntOrString: { '': 'A whole number or a text.' },
};
