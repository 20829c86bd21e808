/** A containerd that runs pods by runc, each of its folders where it is told. */
export interface ContainerdOptions {
  readonly root: string
  readonly state: string
  readonly socket: string
  readonly cniFolder: string
  readonly pauseImage: string
  readonly snapshotter: string
}

// Without CAP_SYS_RESOURCE runc may not lower an oom_score_adj, and dies of it.
export const containerdConfig = (options: ContainerdOptions): string => `version = 2
root = "${options.root}"
state = "${options.state}"
[grpc]
  address = "${options.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "${options.pauseImage}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${options.snapshotter}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${options.cniFolder}"
`
