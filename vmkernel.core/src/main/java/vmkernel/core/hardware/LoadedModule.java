package vmkernel.core.hardware;

import vmkernel.api.hardware.DriverProvider;

/**
 * A driver service with what its bundle says about it.
 *
 * @param ranking service.ranking; then the newer version, then the older service wins
 */
record LoadedModule(DriverProvider provider, String name, String version, String source, int ranking, long id) implements Comparable<LoadedModule> {
    @Override
    public int compareTo(LoadedModule other) {
        if (ranking != other.ranking) return Integer.compare(other.ranking, ranking);
        int newer = org.osgi.framework.Version.parseVersion(other.version).compareTo(org.osgi.framework.Version.parseVersion(version));
        return newer != 0 ? newer : Long.compare(id, other.id);
    }
}
