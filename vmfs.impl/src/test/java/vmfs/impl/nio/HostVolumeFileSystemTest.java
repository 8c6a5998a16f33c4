package vmfs.impl.nio;

import vmkernel.api.files.Volume;
import vmkernel.core.files.HostFolder;

class HostVolumeFileSystemTest extends VolumeFileSystemContract {
    @Override Volume volume() { return new HostFolder(); }

    @Override String folder() { return host.resolve("in-volume").toFile().mkdir() ? host.resolve("in-volume").toString() : null; }
}
