/* Connects to Unix sockets, whose descriptors are then 3, 4 and so on, and becomes another program: launch SOCKET... -- PROGRAM ARGUMENT... */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **arguments) {
    int next = 1;
    for (; next < count && strcmp(arguments[next], "--"); next++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy(address.sun_path, arguments[next], sizeof address.sun_path - 1);
        int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
        if (descriptor < 0 || connect(descriptor, (struct sockaddr *) &address, sizeof address) || dup2(descriptor, next + 2) < 0) {
            perror(arguments[next]);
            return 1;
        }
        if (descriptor != next + 2) close(descriptor);
    }
    execvp(arguments[next + 1], arguments + next + 1);
    perror(arguments[next + 1]);
    return 1;
}
