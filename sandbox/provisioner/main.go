// provisioner: makes and removes the sandbox's volumes. Every node lives on this one machine, so it needs no helper
// pod on the node: a volume is a folder, published as a `local` PersistentVolume (which, unlike hostPath, honours fsGroup)
// that is tied to the node the scheduler chose.
//
//	provisioner --kubeconfig FILE --folder DIR --name PROVISIONER
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const (
	// selectedNode is set by the scheduler on a claim of a WaitForFirstConsumer class (k8s.io/component-helpers/storage/volume).
	selectedNode = "volume.kubernetes.io/selected-node"
	// provisionedBy marks the volumes that this program made and may therefore remove.
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

type provisioner struct {
	client kubernetes.Interface
	folder string
	name   string
	claims cache.SharedIndexInformer
	queue  workqueue.TypedRateLimitingInterface[string]
	vols   workqueue.TypedRateLimitingInterface[string]
	pvs    cache.SharedIndexInformer
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	folder := flag.String("folder", "", "folder that holds the volumes")
	name := flag.String("name", "sandbox/local", "provisioner named by the StorageClass")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS, config.Burst = 50, 100
	client := kubernetes.NewForConfigOrDie(config)
	factory := informers.NewSharedInformerFactory(client, 0)
	limiter := workqueue.DefaultTypedControllerRateLimiter[string]
	p := &provisioner{
		client: client, folder: *folder, name: *name,
		claims: factory.Core().V1().PersistentVolumeClaims().Informer(),
		pvs:    factory.Core().V1().PersistentVolumes().Informer(),
		queue:  workqueue.NewTypedRateLimitingQueue(limiter()),
		vols:   workqueue.NewTypedRateLimitingQueue(limiter()),
	}
	feed(p.claims, p.queue)
	feed(p.pvs, p.vols)
	ctx := context.Background()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go work(ctx, p.vols, p.reclaim)
	work(ctx, p.queue, p.provision)
}

func feed(from cache.SharedIndexInformer, to workqueue.TypedRateLimitingInterface[string]) {
	add := func(object any) {
		if key, err := cache.MetaNamespaceKeyFunc(object); err == nil {
			to.Add(key)
		}
	}
	if _, err := from.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, now any) { add(now) }}); err != nil {
		log.Fatal(err)
	}
}

func work(ctx context.Context, queue workqueue.TypedRateLimitingInterface[string], handle func(context.Context, string) error) {
	for {
		key, stopped := queue.Get()
		if stopped {
			return
		}
		if err := handle(ctx, key); err != nil {
			log.Printf("%s: %v; trying again", key, err)
			queue.AddRateLimited(key)
		} else {
			queue.Forget(key)
		}
		queue.Done(key)
	}
}

// provision makes the volume of a claim that the scheduler has placed on a node.
func (p *provisioner) provision(ctx context.Context, key string) error {
	object, exists, err := p.claims.GetIndexer().GetByKey(key)
	if err != nil || !exists {
		return err
	}
	claim := object.(*corev1.PersistentVolumeClaim)
	node := claim.Annotations[selectedNode]
	if claim.Spec.VolumeName != "" || claim.Spec.StorageClassName == nil || node == "" || claim.DeletionTimestamp != nil {
		return nil
	}
	class, err := p.client.StorageV1().StorageClasses().Get(ctx, *claim.Spec.StorageClassName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || class.Provisioner != p.name {
		return err
	}
	volume := p.volume(claim, class, node)
	// 0777: a pod without fsGroup must be able to write too
	if err := os.MkdirAll(volume.Spec.Local.Path, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(volume.Spec.Local.Path, 0o777); err != nil {
		return err
	}
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err == nil {
		log.Printf("%s: made %s on %s", key, volume.Name, node)
	}
	return err
}

func (p *provisioner) volume(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, node string) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	mode := claim.Spec.VolumeMode
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: p.name}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: *class.ReclaimPolicy,
			StorageClassName:              class.Name,
			VolumeMode:                    mode,
			ClaimRef: &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion},
			PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: filepath.Join(p.folder, name)}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
			}}}},
		},
	}
}

// reclaim removes a volume whose claim is gone and whose reclaim policy is Delete.
func (p *provisioner) reclaim(ctx context.Context, name string) error {
	object, exists, err := p.pvs.GetIndexer().GetByKey(name)
	if err != nil || !exists {
		return err
	}
	volume := object.(*corev1.PersistentVolume)
	if volume.Annotations[provisionedBy] != p.name || volume.Status.Phase != corev1.VolumeReleased ||
		volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || volume.Spec.Local == nil {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(p.folder, volume.Name)); err != nil {
		return err
	}
	log.Printf("%s: removed", name)
	err = p.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
