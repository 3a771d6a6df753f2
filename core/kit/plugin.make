# The KIND sample-name of tenon:
#
#	make, make check, make install [DESTDIR=...] [PLUGINDIR=...]
CFLAGS = -g -O3 -Wall
PKG_CONFIG = pkg-config
PLUGINDIR = $(shell $(PKG_CONFIG) --variable=plugindir tenon)
TENON = tenon

KIND-sample-name.so: sample-name.c
	$(CC) $(CPPFLAGS) -std=gnu11 $(CFLAGS) -fPIC -fvisibility=hidden -shared $(LDFLAGS) -o $@ \
		sample-name.c $$($(PKG_CONFIG) --cflags --libs tenon) -lm

all: KIND-sample-name.so

check: all
	TENON='$(TENON)' sh ./test.sh

install: all
	mkdir -p '$(DESTDIR)$(PLUGINDIR)'
	cp KIND-sample-name.so '$(DESTDIR)$(PLUGINDIR)/KIND-sample-name.so.new'
	mv -f '$(DESTDIR)$(PLUGINDIR)/KIND-sample-name.so.new' '$(DESTDIR)$(PLUGINDIR)/KIND-sample-name.so'

clean:
	rm -f KIND-sample-name.so

.PHONY: all check install clean
