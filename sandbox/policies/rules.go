package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/netip"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
)

// root is the chain that FORWARD calls. Allowed means RETURN, so that both ends of a connection have their say.
const root = "POLICIES"

type world struct {
	node       string
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   networkinglisters.NetworkPolicyLister
}

// rules gives the chains in iptables-restore's language, in a fixed order, and their names.
// What a node itself sends (kubelet's probes) is not forwarded and thus always allowed, as Kubernetes demands.
func (w world) rules() (string, []string, error) {
	pods, err := w.pods.List(labels.Everything())
	if err != nil {
		return "", nil, err
	}
	policies, err := w.policies.List(labels.Everything())
	if err != nil {
		return "", nil, err
	}
	sort.Slice(pods, func(i, j int) bool { return pods[i].Status.PodIP < pods[j].Status.PodIP })
	sort.Slice(policies, func(i, j int) bool {
		return policies[i].Namespace+"/"+policies[i].Name < policies[j].Namespace+"/"+policies[j].Name
	})
	var declared, jumps, bodies strings.Builder
	var chains []string
	chain := func(prefix, match string, pod *corev1.Pod, body []string) {
		name := prefix + short(pod.Namespace+"/"+pod.Name+"/"+pod.Status.PodIP)
		chains = append(chains, name)
		fmt.Fprintf(&declared, ":%s - [0:0]\n", name)
		fmt.Fprintf(&jumps, "-A %s %s %s -j %s\n", root, match, pod.Status.PodIP, name)
		for _, rule := range body {
			fmt.Fprintf(&bodies, "-A %s %s-j RETURN\n", name, rule)
		}
		fmt.Fprintf(&bodies, "-A %s -j DROP\n", name)
	}
	for _, pod := range pods {
		if pod.Spec.NodeName != w.node || !reachable(pod) {
			continue
		}
		var in, out []string
		isolatedIn, isolatedOut := false, false
		for _, policy := range policies {
			if policy.Namespace != pod.Namespace || !matches(&policy.Spec.PodSelector, pod.Labels) {
				continue
			}
			if has(policy, networkingv1.PolicyTypeIngress) {
				isolatedIn = true
				for _, rule := range policy.Spec.Ingress {
					in = append(in, w.allow("-s", pods, policy.Namespace, rule.From, rule.Ports, pod)...)
				}
			}
			if has(policy, networkingv1.PolicyTypeEgress) {
				isolatedOut = true
				for _, rule := range policy.Spec.Egress {
					out = append(out, w.allow("-d", pods, policy.Namespace, rule.To, rule.Ports, nil)...)
				}
			}
		}
		if isolatedIn {
			chain("IN-", "-d", pod, in)
		}
		if isolatedOut {
			chain("OUT-", "-s", pod, out)
		}
	}
	head := fmt.Sprintf(":%s - [0:0]\n", root) + declared.String() + fmt.Sprintf("-A %s -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN\n", root)
	return head + jumps.String() + bodies.String(), chains, nil
}

// allow gives the matches of one rule of a policy. Named ports belong to the pod at the receiving end: `target`, or each peer.
func (w world) allow(side string, pods []*corev1.Pod, namespace string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, target *corev1.Pod) []string {
	var result []string
	add := func(source string, receiver *corev1.Pod) {
		for _, port := range portMatches(ports, receiver) {
			result = append(result, source+port)
		}
	}
	if len(peers) == 0 {
		add("", target)
	}
	for _, peer := range peers {
		if peer.IPBlock != nil {
			result = append(result, ipBlock(side, peer.IPBlock, portMatches(ports, target))...)
			continue
		}
		for _, pod := range pods {
			if !reachable(pod) || !w.selects(peer, namespace, pod) {
				continue
			}
			receiver := target
			if receiver == nil {
				receiver = pod
			}
			add(fmt.Sprintf("%s %s ", side, pod.Status.PodIP), receiver)
		}
	}
	return result
}

// ipBlock allows a range without its exceptions. iptables has one address match for each side, so that an exception needs
// the range match of the iprange extension.
func ipBlock(side string, block *networkingv1.IPBlock, ports []string) []string {
	if strings.Contains(block.CIDR, ":") {
		return nil
	}
	except := ""
	option := map[string]string{"-s": "--src-range", "-d": "--dst-range"}[side]
	for _, cidr := range block.Except {
		except += fmt.Sprintf("-m iprange ! %s %s ", option, ipRange(cidr))
	}
	var result []string
	for _, port := range ports {
		result = append(result, fmt.Sprintf("%s %s ", side, block.CIDR)+except+port)
	}
	return result
}

// ipRange gives the first and the last address of a range.
func ipRange(cidr string) string {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil || !prefix.Addr().Is4() {
		return "0.0.0.0-0.0.0.0"
	}
	first := prefix.Masked().Addr().As4()
	var last [4]byte
	binary.BigEndian.PutUint32(last[:], binary.BigEndian.Uint32(first[:])|uint32(uint64(1)<<(32-prefix.Bits())-1))
	return netip.AddrFrom4(first).String() + "-" + netip.AddrFrom4(last).String()
}

func (w world) selects(peer networkingv1.NetworkPolicyPeer, namespace string, pod *corev1.Pod) bool {
	if peer.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else {
		home, err := w.namespaces.Get(pod.Namespace)
		if err != nil || !matches(peer.NamespaceSelector, home.Labels) {
			return false
		}
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, pod.Labels)
}

func portMatches(ports []networkingv1.NetworkPolicyPort, receiver *corev1.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var result []string
	for _, port := range ports {
		protocol := "tcp"
		if port.Protocol != nil {
			protocol = strings.ToLower(string(*port.Protocol))
		}
		switch {
		case port.Port == nil:
			result = append(result, fmt.Sprintf("-p %s ", protocol))
		case port.EndPort != nil:
			result = append(result, fmt.Sprintf("-p %s --dport %d:%d ", protocol, port.Port.IntVal, *port.EndPort))
		case port.Port.Type == intstr.Int:
			result = append(result, fmt.Sprintf("-p %s --dport %d ", protocol, port.Port.IntVal))
		case receiver != nil:
			for _, number := range namedPorts(receiver, port.Port.StrVal, protocol) {
				result = append(result, fmt.Sprintf("-p %s --dport %d ", protocol, number))
			}
		}
	}
	return result
}

func namedPorts(pod *corev1.Pod, name, protocol string) []int32 {
	var result []int32
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name && (strings.EqualFold(string(port.Protocol), protocol) || port.Protocol == "") {
				result = append(result, port.ContainerPort)
			}
		}
	}
	return result
}

// reachable: has an address of the pod network and is not over.
func reachable(pod *corev1.Pod) bool {
	return pod.Status.PodIP != "" && !pod.Spec.HostNetwork && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

func matches(selector *metav1.LabelSelector, set map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(set))
}

func has(policy *networkingv1.NetworkPolicy, kind networkingv1.PolicyType) bool {
	for _, one := range policy.Spec.PolicyTypes {
		if one == kind {
			return true
		}
	}
	return false
}

func short(text string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text))
	return fmt.Sprintf("%016x", hash.Sum64())
}
