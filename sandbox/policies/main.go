// policies: enforces NetworkPolicies for the pods of one node, in that node's network namespace, with iptables. The
// sandbox's pod network is a plain bridge, which would accept policies and ignore them: a wrong one would be noticed
// only by those who use it for real.
//
//	policies --kubeconfig FILE --node NAME
package main

import (
	"bytes"
	"flag"
	"log"
	"os/exec"
	"strings"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// settle gathers changes that come together; kube-proxy waits about as long.
const settle = 100 * time.Millisecond

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	node := flag.String("node", "", "node whose pods are looked after")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(config), 0)
	world := world{
		node:       *node,
		pods:       factory.Core().V1().Pods().Lister(),
		namespaces: factory.Core().V1().Namespaces().Lister(),
		policies:   factory.Networking().V1().NetworkPolicies().Lister(),
	}
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: func(any) { notify() }, UpdateFunc: func(_, _ any) { notify() }, DeleteFunc: func(any) { notify() }}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().Pods().Informer(), factory.Core().V1().Namespaces().Informer(), factory.Networking().V1().NetworkPolicies().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			log.Fatal(err)
		}
	}
	never := make(chan struct{})
	factory.Start(never)
	factory.WaitForCacheSync(never)
	hook()
	applied := ""
	var chains []string
	for range changed {
		time.Sleep(settle)
		rules, now, err := world.rules()
		if err == nil && rules != applied {
			err = restore(rules, gone(chains, now))
		}
		if err != nil {
			log.Print(err)
			time.AfterFunc(time.Second, notify)
			continue
		}
		if rules != applied {
			log.Printf("%d chains", len(now))
		}
		applied, chains = rules, now
	}
}

// hook sends everything that is forwarded through our chain first.
func hook() {
	run := func(arguments ...string) error {
		return exec.Command("iptables", append([]string{"-w"}, arguments...)...).Run()
	}
	if run("-n", "-L", root) != nil {
		if err := run("-N", root); err != nil {
			log.Fatalf("iptables: %v", err)
		}
	}
	if run("-C", "FORWARD", "-j", root) != nil {
		if err := run("-I", "FORWARD", "1", "-j", root); err != nil {
			log.Fatalf("iptables: %v", err)
		}
	}
}

// restore replaces all our chains in one step.
func restore(rules string, remove []string) error {
	var text strings.Builder
	text.WriteString("*filter\n")
	for _, chain := range remove {
		text.WriteString(":" + chain + " - [0:0]\n")
	}
	text.WriteString(rules)
	for _, chain := range remove {
		text.WriteString("-X " + chain + "\n")
	}
	text.WriteString("COMMIT\n")
	command := exec.Command("iptables-restore", "-w", "5", "--noflush")
	command.Stdin = strings.NewReader(text.String())
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		log.Printf("%s\n%s", output.String(), text.String())
		return err
	}
	return nil
}

func gone(before, now []string) []string {
	kept := map[string]bool{}
	for _, chain := range now {
		kept[chain] = true
	}
	var result []string
	for _, chain := range before {
		if !kept[chain] {
			result = append(result, chain)
		}
	}
	return result
}
